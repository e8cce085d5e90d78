"""What a build's fingerprint decides about its embedder, and what is left to the configuration.

The fingerprint says what is asked of the provider: model, dimensions, templates, context. The
configuration says where, with which key, and how fast. So a lane's builds can be of different
models. Asks no server; what a server holds is compared where it is asked.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from schemas import BuildStarted, Fingerprint
from streams.config import OllamaConfig, OpenAIConfig
from streams.errors import ConfigurationError

__all__ = ["Differences", "asked_otherwise", "changed_in_words", "in_words", "pinned", "way_on"]

Config = TypeVar("Config", OpenAIConfig, OllamaConfig, OpenAIConfig | OllamaConfig)

Differences = Mapping[str, tuple[object, object]]
"""Field of a fingerprint → (what it was, what it is)."""


def pinned(config: Config, lane: str, fingerprint: Fingerprint) -> Config:
    """The lane's configuration with what the fingerprint decides put in its place.

    Raises: ConfigurationError if the fingerprint is of another provider than is configured.
    """
    if fingerprint.provider != config.provider:
        raise ConfigurationError(
            f"lanes.{lane}.provider",
            f"is {config.provider}, but a build of this lane was filled through"
            f" {fingerprint.provider}",
            "give the new provider a lane of its own; this one's builds need the old one",
        )
    return config.model_copy(update={name: getattr(fingerprint, name) for name in _decided(config)})


def asked_otherwise(
    config: OpenAIConfig | OllamaConfig, builds: Iterable[BuildStarted]
) -> Differences:
    """What the configuration asks for and no build of the lane was filled with.

    Compared with the newest build; empty if some build is what the configuration asks for. Fields
    that only a server can tell, such as a digest, are left out, and so are builds of the embedder
    in memory, which no configuration can ask for.
    """
    real = (build for build in builds if build.fingerprint.provider != "memory")
    every = sorted(real, key=lambda build: build.build)
    found = [_differences(config, build.fingerprint) for build in every]
    return found[-1] if found and all(found) else {}


def in_words(differences: Differences) -> str:
    """Such as `model was 'a', is 'b'`."""
    return ", ".join(f"{name} was {was!r}, is {now!r}" for name, (was, now) in differences.items())


def way_on(lane: str) -> str:
    """What to do about a lane whose model is another one now, as an operator reads it."""
    return (
        f"`hotswap build start {lane}` fills a new collection with the model as it is now, beside"
        " this one; or put the model and its settings back as they were"
    )


def changed_in_words(lane: str, differences: Differences) -> str:
    """What is said of a lane whose configuration asks for what no build was filled with."""
    return (
        "the configuration asks for a model that no build was filled with:"
        f" {in_words(differences)}; the builds go on with the models that they began with."
        f" `hotswap build start {lane}` fills a new collection with this one"
    )


def _decided(config: OpenAIConfig | OllamaConfig) -> tuple[str, ...]:
    """Settings that a fingerprint decides."""
    shared = ("model", "document_template", "query_template")
    return (*shared, "dimensions" if isinstance(config, OpenAIConfig) else "context_tokens")


def _differences(config: OpenAIConfig | OllamaConfig, fingerprint: Fingerprint) -> Differences:
    names = ("provider", *_decided(config))
    pairs = {name: (getattr(fingerprint, name), getattr(config, name)) for name in names}
    return {name: (was, now) for name, (was, now) in pairs.items() if was != now}
