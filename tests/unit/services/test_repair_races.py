"""The lane goes on working while a repair is under way: whatever is newest wins."""

import pytest

from schemas import Verdict
from streams.core.text import content_hash
from streams.services import repair as repair_module
from tests.unit.services.repair_world import World


@pytest.fixture
async def world(monkeypatch) -> World:
    monkeypatch.setattr(repair_module, "_WAIT_SECONDS", 0.0)
    return await (await World().start()).filled()


@pytest.fixture(params=["missing", "stale", "wrong"])
def hurt(request, world) -> str:
    """An id whose row is damaged, one way or another."""
    row = world.rows["s/05"]
    if request.param == "missing":
        del world.rows["s/05"]
    elif request.param == "stale":
        row["content_hash"] = "0" * 32
    else:
        row["embedding"] = world.rows["s/06"]["embedding"]
    return "s/05"


@pytest.fixture(params=["before_write", "after_write"])
def when(request, world):
    return getattr(world, request.param)


async def test_an_update_that_the_lane_has_done_meanwhile_is_kept(world, hurt, when):
    async def overtake() -> None:
        await world.document(hurt, "newest", number=1)
        await world.works()

    when(overtake)
    repaired = await world.repaired()
    assert repaired.after.report.verdict is Verdict.CLEAN
    (*_, newest) = await world.records(hurt)
    assert world.rows[hurt]["version"] == newest.offset
    assert world.rows[hurt]["metadata"] == '{"number":1}'


async def test_an_update_that_the_lane_does_later_is_not_lost(world, hurt, when):
    async def overtake() -> None:
        await world.document(hurt, "newest", number=1)

    when(overtake)
    await world.repaired()
    await world.works()
    verified = await world.verified(size=None)
    assert verified.report.verdict is Verdict.CLEAN
    assert world.rows[hurt]["metadata"] == '{"number":1}'


async def test_a_delete_that_the_lane_has_done_meanwhile_stays_done(world, hurt, when):
    async def overtake() -> None:
        await world.document(hurt, None)
        await world.works()

    when(overtake)
    repaired = await world.repaired()
    assert hurt not in world.rows
    assert repaired.after.report.verdict is Verdict.CLEAN


async def test_a_delete_that_the_lane_does_later_stays_done(world, hurt, when):
    async def overtake() -> None:
        await world.document(hurt, None)

    when(overtake)
    await world.repaired()
    await world.works()
    assert hurt not in world.rows
    assert (await world.verified(size=None)).report.verdict is Verdict.CLEAN


async def test_a_document_that_comes_while_its_extra_row_is_deleted_keeps_its_row(world, when):
    world.rows["s/extra"] = world.rows["s/05"] | {"id": "s/extra"}

    async def overtake() -> None:
        await world.document("s/extra", "there is one now")
        await world.works()

    when(overtake)
    repaired = await world.repaired()
    assert "s/extra" in world.rows
    assert repaired.after.report.verdict is Verdict.CLEAN


async def test_a_wrong_vector_is_not_kept_by_a_change_to_metadata_meanwhile(world, when):
    """The lane keeps the stored vector, wrong as it is, since the text is the same."""
    world.rows["s/05"]["embedding"] = world.rows["s/06"]["embedding"]

    async def overtake() -> None:
        await world.document("s/05", "text 5", number=500)
        await world.works()

    when(overtake)
    repaired = await world.repaired()
    assert repaired.after.report.verdict is Verdict.CLEAN
    assert world.rows["s/05"]["metadata"] == '{"number":500}'


async def test_a_document_that_compaction_has_taken_meanwhile_is_mended_with_its_newest(
    world, hurt, monkeypatch
):
    async def later(*given, **more):
        await world.document(hurt, "newest")
        world.log.compact("documents")
        return await repair_module.repair(*given, **more)

    monkeypatch.setattr("streams.services.verify_and_repair.repair", later)
    await world.repaired()
    assert world.rows[hurt]["content_hash"] == content_hash("newest")
    await world.works()
    assert (await world.verified(size=None)).report.verdict is Verdict.CLEAN
