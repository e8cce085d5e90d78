"""What can be found out about a configuration without asking any other system."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from streams.config.secrets import SecretRef
from streams.config.settings import Settings
from streams.config.tree import Place
from streams.errors import ConfigurationError

__all__ = ["SecretStatus", "problems", "secrets", "visible"]


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """A secret's setting, where it is looked for, and why it is not there (None: it is)."""

    setting: str
    reference: str
    problem: ConfigurationError | None


def secrets(settings: Settings) -> list[SecretStatus]:
    """All secrets that the configuration refers to, each tried once."""
    return [_status(setting, secret) for setting, secret in _secrets(settings, ())]


def problems(settings: Settings) -> list[ConfigurationError]:
    """Secrets that do not resolve and files that can not be read."""
    found = [status.problem for status in secrets(settings) if status.problem is not None]
    files = {
        "kafka.ssl_cafile": settings.kafka.ssl_cafile,
        "kafka.ssl_certfile": settings.kafka.ssl_certfile,
        "kafka.ssl_keyfile": settings.kafka.ssl_keyfile,
        "milvus.ca_file": settings.milvus.ca_file,
        "connect.ca_file": settings.connect.ca_file,
    }
    found += [
        ConfigurationError(name, f"there is no file {file}", "name an existing PEM file")
        for name, file in files.items()
        if file is not None and not Path(file).is_file()
    ]
    return found


def visible(settings: Settings) -> dict[str, Any]:
    """All settings as JSON, with defaults; of a secret where it is and whether it is there."""
    return {name: _visible(getattr(settings, name)) for name in Settings.model_fields}


def _visible(value: object) -> object:
    if isinstance(value, SecretRef):
        reference = value.model_dump(mode="json", exclude_none=True)
        return {**reference, "resolves": _status("", value).problem is None}
    if isinstance(value, BaseModel):
        return {name: _visible(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: _visible(entry) for name, entry in value.items()}
    if isinstance(value, tuple):
        return [_visible(entry) for entry in value]
    return value


def _secrets(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[str, SecretRef]]:
    if isinstance(value, SecretRef):
        yield Place(path, None).name, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _secrets(entry, (*path, name))


def _status(setting: str, secret: SecretRef) -> SecretStatus:
    reference = f"env {secret.env}" if secret.env is not None else f"file {secret.file}"
    try:
        secret.read(setting)
    except ConfigurationError as problem:
        return SecretStatus(setting, reference, problem)
    return SecretStatus(setting, reference, None)
