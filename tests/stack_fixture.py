"""The fixture `stack`: one running stack for the whole session, that tests may also disturb.

`tests/conftest.py` takes it in with `pytest_plugins = ["tests.stack_fixture"]`. Whoever can
yield a `RunningStack` can stand in for the embedded one: add its generator to `STACKS` and
choose it with HOTSWAP_TEST_STACK.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from streams.stack import Endpoints, Stack
from tests.docker_stack import docker_stack

__all__ = ["STACKS", "RunningStack", "embedded_stack", "stack"]


class RunningStack(Protocol):
    """A stack whose parts run, and what tests may do to them. Parts: `streams.stack.PARTS`.

    A test that ends or freezes a part brings it back before it returns.
    """

    def endpoints(self) -> Endpoints:
        """Where everything is; the same before and after a part was away."""
        ...

    def start(self, part: str) -> None:
        """Start a part that does not run, and wait until it answers."""
        ...

    def stop(self, part: str) -> None:
        """End a part in an orderly way."""
        ...

    def kill(self, part: str) -> None:
        """SIGKILL a part."""
        ...

    def freeze(self, part: str) -> None:
        """SIGSTOP a part."""
        ...

    def thaw(self, part: str) -> None:
        """SIGCONT a part."""
        ...

    def log(self, part: str) -> Path:
        """What the part printed."""
        ...


def embedded_stack(keep_logs_in: Callable[[], Path | None] = lambda: None) -> Iterator[Stack]:
    """Run the embedded stack in a folder of its own, and leave nothing behind.

    It goes down with this process, even if that is killed. `keep_logs_in` is asked at the end
    for a folder to copy the logs to.
    """
    home = Path(tempfile.mkdtemp(prefix="hotswap stäck "))
    running = Stack(home, fast_compaction=True, die_with=os.getpid())
    try:
        with pytest.MonkeyPatch.context() as patch:
            # Tests disturb their Ollama; they must not do so to somebody else's.
            patch.delenv("OLLAMA_HOST", raising=False)
            running.up()
        yield running
    finally:
        running.down()
        if folder := keep_logs_in():
            shutil.copytree(home / "logs", folder, dirs_exist_ok=True)
        shutil.rmtree(home)


STACKS: dict[str, Callable[[Callable[[], Path | None]], Iterator[RunningStack]]] = {
    "embedded": embedded_stack,
    "docker": docker_stack,
}


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[RunningStack]:
    """The stack that HOTSWAP_TEST_STACK names; the embedded one by default."""

    def logs_of_failures() -> Path | None:
        cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
        return cache.mkdir("stack-logs") if cache and request.session.testsfailed else None

    yield from STACKS[os.environ.get("HOTSWAP_TEST_STACK", "embedded")](logs_of_failures)
