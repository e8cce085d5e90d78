"""docker-compose.yml as a user runs it."""

import asyncio
import os
import subprocess
from collections.abc import Iterator

import pytest
from testcontainers.compose import DockerCompose

from tests.docker_stack import ROOT, no_engine, whole_system
from tests.integration.first_look import first_look

# Images are pulled and built first.
pytestmark = [pytest.mark.docker, pytest.mark.timeout(3600)]


class Containers:
    """All services of docker-compose.yml; `tests.integration.first_look.Running`."""

    def __init__(self, compose: DockerCompose) -> None:
        self._compose = compose
        self.url = f"http://127.0.0.1:{os.environ['SERVE_PORT']}"
        self.token = os.environ["HOTSWAP_SERVE_TOKEN"]

    async def hotswap(self, *arguments: str) -> tuple[int, str]:
        """`docker compose run --rm cli …`, as the page says."""
        return await self._do("run", "--rm", "-T", "cli", *arguments)

    async def sql(self, statement: str) -> None:
        """`docker compose exec postgres psql …`, likewise."""
        words = ["exec", "-T", "postgres", "psql", "--username=app", "--dbname=app"]
        status, out = await self._do(*words, "--set=ON_ERROR_STOP=1", f"--command={statement}")
        assert status == 0, out

    async def _do(self, *words: str) -> tuple[int, str]:
        ended = await asyncio.to_thread(
            subprocess.run,
            [*self._compose.docker_compose_command(), *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout


@pytest.fixture
def containers() -> Iterator[Containers]:
    if reason := no_engine():
        pytest.skip(reason)
    with whole_system() as compose:
        yield Containers(compose)


async def test_rows_inserted_in_postgres_are_in_both_lanes(containers: Containers):
    await first_look(containers)
