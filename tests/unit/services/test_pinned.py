"""A fingerprint says what is asked of the provider, the configuration where and how fast."""

import pytest

from schemas import BuildStarted, Fingerprint
from streams.config import OllamaConfig, OpenAIConfig
from streams.errors import ConfigurationError
from streams.services.pinned import asked_otherwise, changed_in_words, pinned

OLLAMA = OllamaConfig.model_validate(
    {
        "provider": "ollama",
        "hosts": ["http://h:1"],
        "model": "new",
        "context_tokens": 512,
        "document_template": "new: {text}",
        "call_inputs": 7,
    }
)
OPENAI = OpenAIConfig.model_validate(
    {
        "provider": "openai",
        "base_url": "http://h:1/v1",
        "model": "new",
        "dimensions": 512,
        "api_key": {"env": "KEY"},
        "requests_per_minute": 60,
    }
)


def built(number: int = 1, **fields: object) -> BuildStarted:
    fingerprint = {"provider": "ollama", "model": "old", "dimensions": 8, "digest": "d", **fields}
    return BuildStarted(
        id=str(number),
        by="test",
        lane="l",
        build=number,
        collection="c",
        fingerprint=Fingerprint.model_validate(fingerprint),
        documents_partitions=1,
    )


def as_configured(number: int = 1) -> BuildStarted:
    return built(number, model="new", context_tokens=512, document_template="new: {text}")


def test_what_decides_a_vector_comes_from_the_fingerprint_and_all_else_from_the_settings():
    made = pinned(OLLAMA, "l", built(query_template="q: {text}").fingerprint)
    assert (made.model, made.context_tokens) == ("old", None)
    assert (made.document_template, made.query_template) == ("{text}", "q: {text}")
    assert (made.hosts, made.call_inputs) == (OLLAMA.hosts, 7)


def test_openai_is_asked_for_the_fingerprints_dimensions():
    fingerprint = Fingerprint(provider="openai", model="old", dimensions=256)
    made = pinned(OPENAI, "l", fingerprint)
    assert (made.model, made.dimensions) == ("old", 256)
    assert (made.api_key, made.requests_per_minute) == (OPENAI.api_key, 60)


def test_a_fingerprint_of_another_provider_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="a lane of its own") as caught:
        pinned(OPENAI, "l", built().fingerprint)
    assert caught.value.setting == "lanes.l.provider"


def test_a_configuration_that_some_build_has_asks_for_nothing_else():
    assert asked_otherwise(OLLAMA, [as_configured()]) == {}
    assert asked_otherwise(OLLAMA, [as_configured(1), built(2)]) == {}
    assert asked_otherwise(OLLAMA, [built(1), as_configured(2)]) == {}
    assert asked_otherwise(OLLAMA, []) == {}


def test_what_was_changed_is_told_field_by_field_against_the_newest_build():
    builds = [built(2, model="newer", context_tokens=512), built(1)]
    differences = asked_otherwise(OLLAMA, builds)
    assert differences == {
        "model": ("newer", "new"),
        "document_template": ("{text}", "new: {text}"),
    }
    said = changed_in_words("l", differences)
    assert "model was 'newer', is 'new'" in said
    assert "`hotswap build start l`" in said


def test_what_only_a_server_can_tell_is_no_difference_of_the_configuration():
    assert asked_otherwise(OLLAMA, [as_configured().model_copy()]) == {}
    told = asked_otherwise(OLLAMA, [built(digest="other", server_version="9")])
    assert not {"digest", "server_version", "dimensions"} & told.keys()
