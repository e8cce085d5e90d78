"""The server inside the wheel milvus-lite, started and disturbed by tests."""

import os
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

DEADLINE = 60.0
LITE = pytest.param("milvus-lite", marks=pytest.mark.slow)
"""The value of a suite's parameter for which it asks for the fixture `lite` as it runs."""


class LiteServer:
    """One server on one file and one port of loopback, which outlive its restarts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        wheel = find_spec("milvus_lite")
        assert wheel is not None
        assert wheel.origin is not None
        libraries = Path(wheel.origin).parent / "lib"
        with (self._folder / "milvus.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary
                [
                    str(libraries / "milvus"),
                    str(self._folder / "milvus.db"),
                    f"127.0.0.1:{self._port}",
                    "ERROR",
                ],
                env=os.environ | {"LD_LIBRARY_PATH": str(libraries)},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + DEADLINE
        while not self._listens():
            assert self._process.poll() is None, "the server ended; see milvus.log"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(DEADLINE)
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True
