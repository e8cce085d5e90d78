"""The cloud embedder: our OpenAI-compatible stand-in."""

import secrets
import signal
import sys
from threading import Event

from streams.stack.home import Home
from streams.stack.part import Launch, Say
from streams.stack.parts.checks import not_ok

__all__ = ["Cloud", "api_key"]


class Cloud:
    """The stand-in as a process of its own, without limits or faults unless told."""

    name = "cloud"
    needs = ()
    ports = ("cloud",)
    stop = signal.SIGTERM
    patience = 10.0
    deadline = 60.0

    def fetch(self, say: Say, cancel: Event) -> None:
        """Nothing: the model is in the wheel `wordllama`."""

    def launch(self, home: Home) -> Launch:
        """Run the server; the key goes by environment, where other users can not see it."""
        port = home.port("cloud")
        return Launch(
            command=(sys.executable, "-m", "streams.stack.cloud", "--port", str(port)),
            env={"HOTSWAP_CLOUD_API_KEY": api_key(home)},
        )

    def missing(self, home: Home) -> str | None:
        """Nothing once it lists its models to the holder of the key."""
        return not_ok(
            f"http://127.0.0.1:{home.port('cloud')}/v1/models",
            {"Authorization": f"Bearer {api_key(home)}"},
        )


def api_key(home: Home) -> str:
    """The key that the stand-in of this home takes."""
    return home.note("cloud-api-key", f"sk-{secrets.token_urlsafe(24)}")
