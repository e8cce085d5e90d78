"""Control keys come from the settings, and a bad one is named."""

import pytest

from streams.config.load import load
from streams.errors import ConfigurationError
from streams.migration.signing import NO_KEYS, Keyring, RetiredKey
from streams.services.open import keyring_of
from tests.configuration import BASE

KEYS = """
[control]
key = { env = "NEW_KEY" }
previous_key = { env = "OLD_KEY" }
retired_keys = [{ key = { env = "ANCIENT_KEY" }, before = 17 }]
signed_from = 3
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in ("NEW", "OLD", "ANCIENT"):
        monkeypatch.setenv(f"{name}_KEY", name.lower() * 8)
    path = tmp_path / "hotswap.toml"

    def make(extra: str = ""):
        path.write_text(BASE + extra)
        return load(path)

    return make


def test_without_a_key_no_signature_is_asked_for(settings):
    assert keyring_of(settings()) == NO_KEYS


def test_the_newest_key_comes_first_and_signs(settings):
    assert keyring_of(settings(KEYS)) == Keyring(
        keys=(b"new" * 8, b"old" * 8),
        retired=(RetiredKey(b"ancient" * 8, before=17),),
        signed_from=3,
    )


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("NEW_KEY", "control.key"),
        ("OLD_KEY", "control.previous_key"),
        ("ANCIENT_KEY", "control.retired_keys[0].key"),
    ],
)
def test_a_key_that_could_be_guessed_is_refused_by_name(settings, monkeypatch, name, setting):
    monkeypatch.setenv(name, "hunter2")
    with pytest.raises(ConfigurationError, match="has 7 bytes") as caught:
        keyring_of(settings(KEYS))
    assert caught.value.setting == setting
    assert "hunter2" not in str(caught.value)
