"""The stack of docker-compose.yml, for tests, through testcontainers.

HOTSWAP_TEST_STACK=docker takes it instead of the embedded one. `whole_system` is the same file
as a user runs it, roles included.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from testcontainers.compose import DockerCompose

from streams.stack import PARTS, Endpoints
from streams.stack.cloud import DIMENSIONS, MODEL

__all__ = ["ROOT", "DockerStack", "docker_stack", "no_engine", "whole_system"]

ROOT = Path(__file__).parent.parent
OLLAMA_MODEL = "all-minilm"
PUBLISHED = (*PARTS, "serve")
"""Services whose port is published."""


def no_engine() -> str | None:
    """Why containers can not be run here, in words; None if they can."""
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(  # noqa: S603 - the words are above
                command, capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no Docker engine answers: {error}"
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            return f"no Docker engine answers: {said[0] if said else ' '.join(command)}"
    return None


def variables() -> dict[str, str]:
    """What .env would say: a project and ports of its own, made-up secrets, the stand-in."""
    return {
        "COMPOSE_PROJECT_NAME": f"hotswap-test-{uuid.uuid4().hex[:8]}",
        "COMPOSE_PROFILES": "stand-in",
        "OPENAI_API_KEY": f"sk-{secrets.token_urlsafe(24)}",
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        "HOTSWAP_SERVE_TOKEN": secrets.token_urlsafe(24),
        "CLOUD_BASE_URL": "http://cloud:8080/v1",
        "CLOUD_MODEL": MODEL,
        "CLOUD_DIMENSIONS": str(DIMENSIONS),
        "OLLAMA_MODEL": OLLAMA_MODEL,
        **{f"{part.upper()}_PORT": str(port) for part, port in _free_ports(PUBLISHED).items()},
    }


@contextmanager
def whole_system() -> Iterator[DockerCompose]:
    """Everything in docker-compose.yml, up and healthy; all of it is gone afterwards."""
    with patch.dict(os.environ, variables()), _compose("docker-compose.yml") as compose:
        yield compose


class DockerStack:
    """The parts of the stack as containers; `tests.stack_fixture.RunningStack`.

    Args:
        home: a folder for logs.
    """

    def __init__(self, home: Path) -> None:
        self._logs = home / "logs"
        self._logs.mkdir(parents=True)
        self._variables = variables()
        self._compose = _compose("docker-compose.yml", "tests/docker_stack.yml")

    def up(self) -> Endpoints:
        """Build, pull and start everything, and wait until it is healthy."""
        with self._environment():
            self._compose.start()
            self._compose.exec_in_container(["ollama", "pull", OLLAMA_MODEL], "ollama")
        return self.endpoints()

    def down(self) -> None:
        """End everything, with its data. The logs stay."""
        for part in PARTS:
            self.log(part)
        with self._environment():
            self._compose.stop()

    def endpoints(self) -> Endpoints:
        """Where everything is; all addresses are on loopback."""
        ports = {part: int(self._variables[f"{part.upper()}_PORT"]) for part in PARTS}
        return Endpoints(
            kafka_bootstrap=f"127.0.0.1:{ports['kafka']}",
            connect_url=f"http://127.0.0.1:{ports['connect']}",
            postgres_dsn=f"postgresql://postgres@127.0.0.1:{ports['postgres']}/postgres",
            milvus_uri=f"http://127.0.0.1:{ports['milvus']}",
            cloud_url=f"http://127.0.0.1:{ports['cloud']}/v1",
            cloud_api_key=self._variables["OPENAI_API_KEY"],
            cloud_model=MODEL,
            cloud_dimensions=DIMENSIONS,
            ollama_url=f"http://127.0.0.1:{ports['ollama']}",
            ollama_model=OLLAMA_MODEL,
            ollama_kind="real",
            data_dir=self._logs.parent,
            log_dir=self._logs,
        )

    def start(self, part: str) -> None:
        """Start a part that does not run, and wait until it is healthy."""
        self._do("up", "--wait", "--no-deps", "--no-recreate", part)

    def stop(self, part: str) -> None:
        """End a part in an orderly way."""
        self._do("stop", part)

    def kill(self, part: str) -> None:
        """SIGKILL a part."""
        self._do("kill", "--signal", "SIGKILL", part)

    def freeze(self, part: str) -> None:
        """Keep all processes of a part from running."""
        self._do("pause", part)

    def thaw(self, part: str) -> None:
        """Let them run again."""
        self._do("unpause", part)

    def log(self, part: str) -> Path:
        """What the part printed so far."""
        path = self._logs / f"{part}.log"
        with self._environment():
            out, err = self._compose.get_logs("--no-color", "--no-log-prefix", part)
        path.write_text(out + err, encoding="utf-8")
        return path

    def _do(self, *words: str) -> None:
        with self._environment():
            subprocess.run(  # noqa: S603 - the words are in this file
                [*self._compose.docker_compose_command(), *words],
                cwd=ROOT,
                check=True,
                capture_output=True,
            )

    def _environment(self) -> AbstractContextManager[object]:
        # The environment wins over any file, also over what the person at the keyboard has
        # set; but tests must not see these.
        return patch.dict(os.environ, self._variables)


def docker_stack(keep_logs_in: Callable[[], Path | None] = lambda: None) -> Iterator[DockerStack]:
    """Run the stack in containers of its own, and leave nothing behind but images.

    `keep_logs_in` is asked at the end for a folder to copy the logs to. Skips without an engine.
    """
    if reason := no_engine():
        pytest.skip(reason)
    home = Path(tempfile.mkdtemp(prefix="hotswap-containers-"))
    running = DockerStack(home)
    try:
        running.up()
        yield running
    finally:
        running.down()
        if folder := keep_logs_in():
            shutil.copytree(home / "logs", folder, dirs_exist_ok=True)
        shutil.rmtree(home)


def _compose(*files: str) -> DockerCompose:
    # An empty file of variables, so that a .env that lies here has no say.
    return DockerCompose(ROOT, list(files), build=True, env_file=os.devnull)


def _free_ports(names: Sequence[str]) -> Mapping[str, int]:
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in names}
        for each in sockets.values():
            each.bind(("127.0.0.1", 0))
        return {name: each.getsockname()[1] for name, each in sockets.items()}
