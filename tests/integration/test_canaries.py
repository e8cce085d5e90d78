"""A provider puts other weights behind the same name: its lane stops, and no vector is mixed."""

from collections.abc import AsyncIterator

import httpx
import pytest

from schemas import Verdict, WorkerState
from streams.services.control import ControlLog
from streams.services.open import open_embedder
from streams.services.verify_lane import Sample, verify_lane
from tests.integration.system import System
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

LANE = "cloud"


@pytest.fixture
async def provider(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """The cloud stand-in, which has its own weights again afterwards."""
    root = system.endpoints.cloud_url.removesuffix("/v1")
    async with httpx.AsyncClient(base_url=root) as client:
        yield client
        (await client.delete("/admin/faults")).raise_for_status()


async def test_weights_swapped_under_the_same_name_stop_the_lane_until_they_are_back(
    system: System, provider: httpx.AsyncClient
):
    await system.worker("normalise")
    first = await system.worker(f"embed:{LANE}")
    await system.write(range(1, 21))
    await system.until_converged([LANE])
    assert await first.stop() == 0

    (await provider.post("/admin/faults", json={"moved": True})).raise_for_status()
    await system.write(range(11, 41), "Other text of {}.")
    await system.worker(f"embed:{LANE}")

    async def stopped() -> bool:
        report = (await system.reports(f"embed:{LANE}"))[-1]
        return report.state is WorkerState.PAUSED and "canary" in report.reason

    await until(stopped, "the lane has stopped and names the canary", 60)
    reason = (await system.reports(f"embed:{LANE}"))[-1].reason
    assert "cosine of canary" in reason
    assert f"hotswap build start {LANE}" in reason
    assert await system.store.count(system.collection(LANE)) == 20
    assert await system.letters() == []

    (await provider.delete("/admin/faults")).raise_for_status()
    await system.until_converged([LANE])
    embedder = open_embedder(system.settings, LANE, system.state.lanes[LANE].pinned.fingerprint)
    try:
        verified = await verify_lane(
            system.settings,
            LANE,
            ControlLog(system.log, system.settings.kafka.topics.control),
            system.log,
            system.store,
            wait_seconds=60,
            sample=Sample(embedder, size=None),
        )
    finally:
        await embedder.close()
    assert verified.report.verdict is Verdict.CLEAN, verified.report.model_dump_json(indent=2)
