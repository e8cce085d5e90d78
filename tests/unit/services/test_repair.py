"""Damage is found and named, mended, and nothing else is touched."""

import numpy as np
import pytest

from schemas import Finding, Pause, Verdict
from streams.errors import DriftError, LanePaused, TransientError
from streams.services import repair as repair_module
from tests.unit.services.control_world import send
from tests.unit.services.repair_world import COLLECTION, World


@pytest.fixture
async def world(monkeypatch) -> World:
    monkeypatch.setattr(repair_module, "_WAIT_SECONDS", 0.0)
    return await (await World().start()).filled()


def counts(verified) -> dict[str, int]:
    return {str(finding): count for finding, count in verified.report.counts.items() if count}


def ids(verified, finding: Finding) -> list[str]:
    return sorted(sample.id for sample in verified.report.samples[finding])


async def damage(world: World) -> set[str]:
    """One of each kind; the ids that are concerned."""
    rows = world.rows
    for id_ in ("s/00", "s/01"):
        del rows[id_]
    one, other = rows["s/02"]["embedding"], rows["s/03"]["embedding"]
    rows["s/02"]["embedding"], rows["s/03"]["embedding"] = other, one
    rows["s/04"]["content_hash"] = "0" * 32
    for id_ in ("s/extra", "s/more"):
        rows[id_] = rows["s/05"] | {"id": id_}
    rows["s/06"]["embedding"] = np.full(8, np.nan, dtype=np.float32)
    stranger = np.zeros(8, dtype=np.float32)
    stranger[0] = 1.0
    rows["s/07"]["embedding"] = stranger
    rows["s/08"]["version"] += 1 if rows["s/08"]["version"] == 0 else -1
    rows["s/09"]["shard"] = (rows["s/09"]["shard"] + 1) % 3
    return {f"s/{number:02}" for number in (0, 1, 2, 3, 4, 6, 7, 8, 9)} | {"s/extra", "s/more"}


FOUND = {
    "missing": 2,
    "extra": 2,
    "stale": 2,
    "misplaced": 1,
    "malformed": 1,
    "wrong_vector": 3,
}


async def test_every_damage_is_found_and_named(world):
    await damage(world)
    verified = await world.verified(size=None)
    assert counts(verified) == FOUND
    assert ids(verified, Finding.MISSING) == ["s/00", "s/01"]
    assert ids(verified, Finding.EXTRA) == ["s/extra", "s/more"]
    assert ids(verified, Finding.STALE) == ["s/04", "s/08"]
    assert ids(verified, Finding.MALFORMED) == ["s/06"]
    assert ids(verified, Finding.WRONG_VECTOR) == ["s/02", "s/03", "s/07"]
    assert ids(verified, Finding.MISPLACED) == ["s/09"]


async def test_swapped_vectors_can_only_be_found_by_embedding_again(world):
    await damage(world)
    assert "wrong_vector" not in counts(await world.verified())


async def test_a_repair_mends_all_and_touches_nothing_else(world):
    was = world.frozen()
    concerned = await damage(world)
    repaired = await world.repaired()
    assert counts(repaired.before) == FOUND
    assert repaired.repair.mended == FOUND
    assert (repaired.repair.written, repaired.repair.deleted, repaired.repair.left) == (9, 2, 0)
    assert (repaired.after.report.verdict, counts(repaired.after)) == (Verdict.CLEAN, {})
    now = world.frozen()
    assert now.keys() == was.keys()
    assert {id_ for id_ in now if now[id_] != was[id_]} <= concerned


async def test_only_what_is_in_doubt_is_embedded(world):
    """A good vector of the same text is kept: only place and version of its row were wrong."""
    await damage(world)
    repaired = await world.repaired(size=0)
    assert repaired.before.report.counts[Finding.STALE] == 2
    # Missing: 2, another text's hash: 1, malformed: 1; not version and shard.
    assert (repaired.repair.embedded, repaired.repair.written) == (4, 6)


async def test_a_malformed_vector_is_not_kept_because_its_row_is_stale(world):
    world.rows["s/05"] |= {"shard": 99, "embedding": np.full(8, np.nan, dtype=np.float32)}
    repaired = await world.repaired(size=0)
    assert counts(repaired.before) == {"misplaced": 1}
    assert repaired.after.report.verdict is Verdict.CLEAN
    assert repaired.repair.dead_lettered == 0


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(world):
    await damage(world)
    was = world.frozen()
    repaired = await world.repaired(dry_run=True)
    assert repaired.repair.rehearsed
    assert repaired.repair.mended == FOUND
    assert repaired.after is repaired.before
    assert world.frozen() == was


async def test_of_a_clean_lane_nothing_is_repaired(world):
    was = world.frozen()
    repaired = await world.repaired()
    assert repaired.repair is None
    assert repaired.after is repaired.before
    assert world.frozen() == was


async def test_a_second_repair_has_nothing_to_do(world):
    await damage(world)
    await world.repaired()
    assert (await world.repaired()).repair is None


async def test_another_build_is_mended_in_its_own_collection():
    world = await (await World(build=2).start()).filled()
    await damage(world)
    repaired = await world.repaired()
    assert repaired.after.report.verdict is Verdict.CLEAN
    assert (repaired.after.report.build, repaired.after.build) == (2, 2)
    assert repaired.after.report.group == "hotswap-embed-ollama-2"
    assert await world.store.count(f"{COLLECTION}_1") == 0


async def test_a_text_that_the_embedder_refuses_becomes_a_dead_letter(world):
    del world.rows["s/00"]
    world.embedder.refuses = lambda text: text == "text 0"
    repaired = await world.repaired()
    assert repaired.repair.dead_lettered == 1
    assert repaired.after.report.verdict is Verdict.CLEAN
    assert counts(repaired.after) == {"dead_lettered": 1}


async def test_a_document_that_is_a_dead_letter_is_left_alone(world):
    world.embedder.refuses = lambda text: text == "bad"
    await world.document("s/05", "bad")
    await world.works()
    was = world.frozen()
    repaired = await world.repaired()
    assert (repaired.repair, counts(repaired.before)) == (None, {"dead_lettered": 1})
    assert world.frozen() == was


async def test_no_sample_is_compared_with_another_models_vectors(world):
    world.embedder.digest = "another"
    with pytest.raises(DriftError, match=r"(?s)digest.*hotswap build start ollama"):
        await world.verified(size=3)


async def test_a_sample_says_what_it_was(world):
    sample = (await world.verified(size=10)).report.sample
    assert (sample.wanted, sample.seed, sample.embedded, sample.similarity) == (10, 7, 10, 0.999)
    assert sample.least == pytest.approx(1.0)
    assert world.embedder.texts == 10


async def test_a_text_that_is_refused_now_is_not_compared(world):
    world.embedder.refuses = lambda text: text == "text 5"
    report = (await world.verified(size=None)).report
    assert (report.verdict, report.sample.embedded) == (Verdict.CLEAN, 39)


async def test_a_row_that_changes_while_its_text_is_embedded_is_no_wrong_vector(world):
    real = world.store.vectors

    async def late(collection, ids):
        world.store.vectors = real
        await world.document("s/05", "newest")
        await world.works()
        return await real(collection, ids)

    world.store.vectors = late
    verified = await world.verified(size=None)
    assert (verified.report.verdict, verified.report.newer) == (Verdict.CLEAN, 1)


async def test_an_id_that_is_none_of_a_document_is_left_alone_and_said_so(world):
    world.rows["crafted"] = world.rows["s/07"] | {"id": 'x" or 1==1'}
    was = world.frozen()
    repaired = await world.repaired()
    assert (repaired.repair.left, repaired.repair.mended) == (1, {})
    assert "none of a document" in repaired.repair.why_left[0]
    assert world.frozen() == was


async def test_more_than_one_run_mends_is_left_for_the_next(world, monkeypatch):
    monkeypatch.setattr(repair_module, "MOST_AT_ONCE", 3)
    for number in range(5):
        del world.rows[f"s/{number:02}"]
    first = await world.repaired()
    assert (first.repair.left, counts(first.after)) == (2, {"missing": 2})
    assert (await world.repaired()).after.report.verdict is Verdict.CLEAN


async def test_rows_of_two_models_are_never_mixed(world):
    await damage(world)
    was = world.frozen()
    world.embedder.digest = "another"
    with pytest.raises(DriftError, match="hotswap build start ollama"):
        await world.repaired(size=0)
    assert world.frozen() == was


async def test_another_models_collection_is_not_mended(world):
    del world.rows["s/00"]
    other = world.build.fingerprint.model_copy(update={"model": "other"})
    world.store._collections[COLLECTION].fingerprint = other
    repaired = await world.repaired(size=0)
    assert repaired.repair.rehearsed
    assert "hotswap build start ollama" in repaired.repair.why_left[0]
    assert "s/00" not in world.rows


async def test_a_lane_that_rests_is_not_mended(world):
    del world.rows["s/00"]
    await send(world.log, Pause(id="p", by="ann", lane="ollama", reason="quota"))
    with pytest.raises(LanePaused, match="quota"):
        await world.repaired()
    assert "s/00" not in world.rows


async def test_a_killed_repair_is_finished_by_the_next(world, monkeypatch):
    await damage(world)
    monkeypatch.setattr(repair_module, "_AT_ONCE", 2)

    class Killed(BaseException):
        pass

    async def die() -> None:
        raise Killed

    world.after_write(die)
    with pytest.raises(Killed):
        await world.repaired()
    assert (await world.repaired()).after.report.verdict is Verdict.CLEAN


async def test_milvus_away_for_a_moment_is_waited_for(world):
    del world.rows["s/05"]

    async def away() -> None:
        raise TransientError("Milvus is away")

    world.before_write(away)
    assert (await world.repaired()).after.report.verdict is Verdict.CLEAN


async def test_a_document_that_never_stands_still_ends_the_repair(world):
    del world.rows["s/05"]
    real = world.store.upsert

    async def restless(*given):
        await real(*given)
        await world.document("s/05", "again")

    world.store.upsert = restless
    with pytest.raises(TransientError, match=r"s/05.*changing faster"):
        await world.repaired()
