"""docker-compose.yml as a user runs it."""

import json
from collections.abc import Iterator
from subprocess import CalledProcessError

import pytest
from testcontainers.compose import DockerCompose

from tests.docker_stack import no_engine, whole_system
from tests.waiting import until

# Images are pulled and built first.
pytestmark = [pytest.mark.docker, pytest.mark.timeout(3600)]

ROWS = {"articles/1", "comments/1|7"}


@pytest.fixture
def containers() -> Iterator[DockerCompose]:
    if reason := no_engine():
        pytest.skip(reason)
    with whole_system() as compose:
        yield compose


async def test_rows_inserted_in_postgres_are_in_both_lanes(containers: DockerCompose):
    sql(containers, "INSERT INTO articles VALUES (1, 'Ships', 'Mary', 'They sail the seas.')")
    sql(containers, "INSERT INTO comments VALUES (1, 7, 'Some have engines.')")

    def verified() -> bool:
        try:
            reports = hotswap(containers, "verify", "--json")
        except CalledProcessError:  # a lane is behind
            return False
        assert {report["lane"] for report in reports} == {"cloud", "ollama"}
        return all(report["documents"] == report["rows"] == len(ROWS) for report in reports)

    await until(verified, "both lanes hold both rows", 180, every=1)
    for lane in ("cloud", "ollama"):
        found = hotswap(containers, "search", "They sail the seas.", "--lane", lane, "--json")
        assert found["hits"][0]["id"] == "articles/1"
        assert {hit["id"] for hit in found["hits"]} == ROWS


def sql(containers: DockerCompose, statement: str) -> None:
    words = ["psql", "--username=app", "--dbname=app", "--set=ON_ERROR_STOP=1"]
    containers.exec_in_container([*words, f"--command={statement}"], "postgres")


def hotswap(containers: DockerCompose, *arguments: str):
    """Run the command line in a container; it must end with status 0."""
    out, _, _ = containers.exec_in_container(["hotswap", *arguments], "embed-cloud")
    return json.loads(out)
