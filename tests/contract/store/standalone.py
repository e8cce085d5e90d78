"""The whole Milvus inside the wheel `milvus`: one process that is all of its services.

Its ports are open to other machines and it asks for no password, and neither can be changed:
`make test-milvus` gives it a network of its own.
"""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

__all__ = ["StandaloneServer"]

_DEADLINE = 180.0
_PORT = 19530

# A read that must see every write waits for the next tick of the server's clock, and a collection
# is loaded in steps that look at each other now and then. Tests do little else.
_HASTE = {
    "PROXY_TIMETICKINTERVAL": "10",
    "QUERYCOORD_CHECKCHANNELINTERVAL": "50",
    "QUERYCOORD_CHECKINDEXINTERVAL": "100",
    "QUERYCOORD_CHECKINTERVAL": "50",
    "QUERYCOORD_CHECKSEGMENTINTERVAL": "50",
    "QUERYCOORD_DISTPULLINTERVAL": "20",
}


class StandaloneServer:
    """One server with its data in one folder, until it is stopped."""

    uri = f"http://127.0.0.1:{_PORT}"

    def __init__(self, folder: Path) -> None:
        assert find_spec("milvus") is not None, "the package milvus is not here: make test-milvus"
        self._log = folder / "standalone.log"
        program = "import milvus; milvus.main()"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the words are here
                [sys.executable, "-c", program, f"--data={folder}", f"--proxy-port={_PORT}"],
                env=os.environ | _HASTE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return once it answers."""
        deadline = time.monotonic() + _DEADLINE
        while "Welcome to use Milvus" not in self._log.read_text():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server and the process that started it."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_DEADLINE)
