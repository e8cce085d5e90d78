"""What docker-compose.yml runs, on the embedded stack: its commands, settings and health checks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.composed import Composed, composed
from tests.integration.first_look import ROWS, done, first_look
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture
async def services(stack, tmp_path: Path) -> AsyncIterator[Composed]:
    async with composed(stack.endpoints(), tmp_path) as made:
        yield made


async def test_the_services_do_what_the_page_shows_and_keep_up_every_build(services: Composed):
    await first_look(services)
    await done(services, "build", "start", "cloud")
    await services.until_healthy("embed-cloud")
    await until_clean(services, 2, len(ROWS))
    await done(services, "build", "promote", "cloud", "2")
    # The old one is the way back, so it has to be written for as long as it is there.
    await services.sql("INSERT INTO articles VALUES (2, 'Rails', 'Ann', 'Trains run on them.')")
    for build in (1, 2):
        await until_clean(services, build, len(ROWS) + 1)
    await done(services, "build", "drop", "cloud", "1")
    await services.until_healthy("embed-cloud")
    assert await services.stop() == dict.fromkeys(
        ("normalise", "embed-cloud", "embed-ollama", "serve"), 0
    )
    lines = services.log("embed-cloud").read_text()
    assert lines.count("embed:cloud:2 started, process") == 1, lines
    assert "starting again" not in lines


async def until_clean(services: Composed, build: int, rows: int) -> None:
    async def clean() -> bool:
        (report,) = await done(services, "verify", "cloud", "--build", str(build))
        return bool(report["documents"] == report["rows"] == rows)

    await until(clean, f"build {build} holds {rows} rows", 120, every=0.5)
