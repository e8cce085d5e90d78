"""Where `serve` listens, and what it asks of its configuration before it does."""

import socket

import pytest

from streams.config import ServeConfig
from streams.errors import ConfigurationError
from streams.web.listening import listen, token_for, url_of

STRONG = "0123456789abcdef"


def config(**settings: object) -> ServeConfig:
    return ServeConfig.model_validate({"port": 0, **settings})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_a_loopback_address_needs_no_token(host):
    serve = config(host=host)
    with listen(serve) as listening:
        assert token_for(serve, listening) is None
        assert url_of(listening).startswith("http://127.0.0.")


@pytest.mark.parametrize("host", ["0.0.0.0", "0"])  # noqa: S104 - that is what is asked
def test_any_other_address_needs_one(host, monkeypatch):
    serve = config(host=host)
    with listen(serve) as listening:
        with pytest.raises(ConfigurationError, match=r"serve\.token"):
            token_for(serve, listening)
        monkeypatch.setenv("SERVE_TOKEN", STRONG)
        serve = config(host=host, token={"env": "SERVE_TOKEN"})
        token = token_for(serve, listening)
    assert token is not None
    assert token.get_secret_value() == STRONG
    assert STRONG not in repr(token)


def test_a_token_that_is_configured_counts_on_loopback_too(tmp_path):
    (tmp_path / "token").write_text(f"{STRONG}\n", encoding="utf-8")
    serve = config(token={"file": str(tmp_path / "token")})
    with listen(serve) as listening:
        assert token_for(serve, listening) is not None


@pytest.mark.parametrize("weak", ["2-short", "x" * 15, "with a space in it", "töken-of-16-letters"])
def test_a_weak_token_is_refused_and_not_repeated(weak, monkeypatch):
    monkeypatch.setenv("SERVE_TOKEN", weak)
    serve = config(token={"env": "SERVE_TOKEN"})
    with (
        listen(serve) as listening,
        pytest.raises(ConfigurationError, match=r"serve\.token") as refusal,
    ):
        token_for(serve, listening)
    assert weak not in str(refusal.value)


def test_a_token_that_is_not_there_is_named(monkeypatch):
    monkeypatch.delenv("SERVE_TOKEN", raising=False)
    serve = config(token={"env": "SERVE_TOKEN"})
    with listen(serve) as listening, pytest.raises(ConfigurationError, match="SERVE_TOKEN"):
        token_for(serve, listening)


def test_a_port_in_use_names_the_setting():
    with listen(config()) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"serve\.port.*{port}"):
            listen(config(port=port))


@pytest.mark.parametrize("host", ["no.such.name.invalid", "1.2.3.4.5", "a" * 300, "192.0.2.1"])
def test_an_address_that_is_not_here_names_the_setting(host):
    with pytest.raises(ConfigurationError, match=r"serve\.host"):
        listen(config(host=host))


def test_ipv6_loopback_needs_no_token_and_stands_in_brackets():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    serve = config(host="::1")
    try:
        listening = listen(serve)
    except ConfigurationError:
        pytest.skip("no IPv6 loopback here")
    with listening:
        assert token_for(serve, listening) is None
        assert url_of(listening).startswith("http://[::1]:")
