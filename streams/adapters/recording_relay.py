"""A relay on loopback in front of an HTTP server, which keeps the bodies that pass.

What an embedder is sent is proved by the bytes that leave this process, not by what was meant
to be sent. Headers pass too and are not kept: the API's key is among them. Knows no embedder.
"""

import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

__all__ = ["Exchange", "RecordingRelay"]

_POLL_SECONDS = 0.02
_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "proxy-connection"}
)
_PASSED_BACK = ("content-type", "retry-after")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The bodies of one request and of its answer."""

    path: str
    sent: bytes
    answered: bytes


class RecordingRelay:
    """Relays while its `with` block runs.

    Args:
        upstream: the server's URL, such as `https://api.openai.com/v1`.
        timeout_seconds: for one request.

    Attributes:
        url: the same path on loopback.
        exchanges: what has passed, in the order of the answers.
    """

    def __init__(self, upstream: str, timeout_seconds: float) -> None:
        parts = urlsplit(upstream)
        self.exchanges: list[Exchange] = []
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._client = httpx.Client(timeout=timeout_seconds)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="relay", daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}{parts.path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.ended = True
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._client.close()

    def forward(
        self, method: str, path: str, headers: dict[str, str], sent: bytes
    ) -> httpx.Response:
        """Send a request on, and keep its bodies.

        Raises: httpx.HTTPError.
        """
        kept = {name: value for name, value in headers.items() if name.lower() not in _OWN_HEADERS}
        # Bodies are kept as they are read, so nothing may be compressed on the way back.
        kept["accept-encoding"] = "identity"
        answer = self._client.request(method, f"{self._origin}{path}", headers=kept, content=sent)
        self.exchanges.append(Exchange(path, sent, answer.content))
        return answer


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that have gone: that is how a cancelled call leaves its relay.

    Attributes:
        ended: nobody waits for an answer any more, whatever becomes of it.
    """

    ended = False

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (socketserver's)
        if not (self.ended or isinstance(sys.exception(), ConnectionError)):
            super().handle_error(request, client_address)


def _handler(relay: RecordingRelay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """HTTP/1.0 towards the client: each connection has one request."""

        def do_GET(self) -> None:
            self._relay()

        def do_POST(self) -> None:
            self._relay()

        def _relay(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                answer = relay.forward(self.command, self.path, dict(self.headers.items()), sent)
            except httpx.HTTPError as error:
                self.send_error(502, "no answer from upstream", f"{type(error).__name__}: {error}")
                return
            self.send_response(answer.status_code)
            for name in _PASSED_BACK:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """The library would print each request."""

    return Handler
