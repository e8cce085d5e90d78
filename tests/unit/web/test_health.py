"""What a container asks of the `hotswap serve` that runs in it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streams.config import ServeConfig
from streams.errors import ConfigurationError
from streams.web.health import _host, main, problem

TOKEN = "a token of more than sixteen"  # noqa: S105 - of this test


class Serving(HTTPServer):
    """Answers /readyz with `status` to whoever brings the token."""

    status = 200


class _Answers(BaseHTTPRequestHandler):
    server: Serving

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/readyz"
        self.send_response(self.server.status if known else 401)
        self.end_headers()
        self.wfile.write(b'{"ready": "as it may be"}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serving() -> Iterator[Serving]:
    with Serving(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def config(port: int, **changes: object) -> ServeConfig:
    values = {"host": "0.0.0.0", "port": port, "token": {"env": "SERVE_TOKEN"}}  # noqa: S104
    return ServeConfig.model_validate(values | changes)


def test_it_is_healthy_once_it_is_ready(serving, monkeypatch):
    monkeypatch.setenv("SERVE_TOKEN", TOKEN)
    assert problem(config(serving.server_port)) is None
    serving.status = 503
    assert '{"ready": "as it may be"}' in (problem(config(serving.server_port)) or "")


def test_without_the_right_token_it_is_not(serving, monkeypatch):
    monkeypatch.setenv("SERVE_TOKEN", "another")
    assert problem(config(serving.server_port)) is not None
    monkeypatch.delenv("SERVE_TOKEN")
    with pytest.raises(ConfigurationError, match="SERVE_TOKEN"):
        problem(config(serving.server_port))


def test_where_nobody_listens_it_is_not(serving):
    port = serving.server_port
    serving.server_close()
    said = problem(config(port, token=None))
    assert said is not None
    assert said.startswith(f"http://127.0.0.1:{port}/readyz: ")


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("192.0.2.1", "192.0.2.1"),
        ("localhost", "localhost"),
    ],
)
def test_what_listens_everywhere_is_asked_on_loopback(host, asked):
    assert _host(host) == asked


def test_a_configuration_that_can_not_be_read_is_an_answer_not_a_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv("HOTSWAP_CONFIG", str(tmp_path / "absent.toml"))
    assert "absent.toml" in (main() or "")
