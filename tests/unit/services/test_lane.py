"""One lane over an in-memory store and log: what is stored is what `documents` says."""

from collections.abc import Sequence

import pytest

from streams.core.canaries import CANARY_TEXTS
from streams.errors import InputRefused, LaneHalted, OwnershipLost, TransientError
from streams.ports import LogRecord, NewRecord, Row
from tests.unit.services.lane_world import COLLECTION, World


@pytest.fixture
async def world() -> World:
    return await World().start()


async def test_documents_are_stored_under_their_ids_with_their_versions(world):
    await world.process(world.record("a/1", "one"), world.record("a/2", "two"))
    assert await world.ids() == {"a/1": 0, "a/2": 1}


async def test_a_replay_of_unchanged_documents_makes_no_embedding_call(world):
    records = [world.record("a/1", "one"), world.record("a/2", "two")]
    await world.process(*records)
    calls = world.embedder.calls
    await world.process(*records)
    assert world.embedder.calls == calls
    assert world.lane.counters["settled"] == 2


async def test_a_change_of_metadata_alone_reuses_the_stored_vector(world):
    await world.process(world.record("a/1", "one", views=1))
    before = await world.store.vectors(COLLECTION, ["a/1"])
    calls = world.embedder.calls
    await world.process(world.record("a/1", "one", views=2))
    assert world.embedder.calls == calls
    assert await world.ids() == {"a/1": 1}
    (hit,) = await world.store.search(COLLECTION, before["a/1"], 1)
    assert hit.metadata == {"views": 2}


async def test_two_changes_of_one_id_in_a_batch_leave_one_row(world):
    """Milvus may keep both rows of an upsert that names an id twice."""
    await world.process(world.record("a/1", "one"), world.record("a/1", "two"))
    assert await world.ids() == {"a/1": 1}
    assert await world.store.count(COLLECTION) == 1


async def test_an_older_record_that_comes_again_does_not_overwrite_a_newer_row(world):
    old, new = world.record("a/1", "old"), world.record("a/1", "new")
    await world.log.append(
        [NewRecord("documents", record.key, record.value) for record in (old, new)]
    )
    await world.process(new)
    await world.process(old)
    assert await world.ids() == {"a/1": 1}


async def test_a_delete_removes_the_row_and_an_older_create_does_not_bring_it_back(world):
    create, delete = world.record("a/1", "one"), world.record("a/1", None)
    await world.process(create)
    await world.process(delete)
    assert await world.ids() == {}
    await world.process(create, delete)
    assert await world.ids() == {}


async def test_one_refused_document_is_dead_lettered_and_the_others_are_stored(world):
    world.embedder.refuses = lambda text: text == "bad"
    await world.process(
        world.record("a/1", "good"), world.record("a/2", "bad"), world.record("a/3", "fine")
    )
    assert set(await world.ids()) == {"a/1", "a/3"}
    (letter,) = await world.letters()
    assert (letter.stage, letter.reason, letter.document_id) == (
        "embed:l",
        "refused_by_embedder",
        "a/2",
    )


async def test_every_record_without_a_key_becomes_a_dead_letter_of_its_own(world):
    await world.process(*(LogRecord("documents", 0, offset, None, b"{}") for offset in (3, 4)))
    assert [letter.offset for letter in await world.letters()] == [3, 4]


async def test_nothing_is_written_by_a_worker_that_lost_its_partition(world):
    def lost() -> None:
        raise OwnershipLost("gone")

    with pytest.raises(OwnershipLost):
        await world.lane.process([world.record("a/1", "one")], lost)
    assert await world.ids() == {}


async def test_ownership_is_asked_for_before_each_part_of_a_write_that_is_refused(world):
    """Finding the one bad row of a large batch takes longer than losing a partition does."""
    upsert, refusals = world.store.upsert, []

    async def picky(collection: str, rows: Sequence[Row]) -> None:
        if any(row.id == "a/2" for row in rows):
            refusals.append(len(rows))
            raise InputRefused("the row is too large")
        await upsert(collection, rows)

    def lost_by_then() -> None:
        if refusals:
            raise OwnershipLost("gone")

    world.store.upsert = picky
    records = [world.record(f"a/{number}", f"text {number}") for number in range(4)]
    with pytest.raises(OwnershipLost):
        await world.lane.process(records, lost_by_then)
    assert refusals == [4]
    assert await world.ids() == {}


async def test_ownership_is_asked_for_between_the_upserts_and_the_deletes_of_a_batch(world):
    await world.process(world.record("a/1", "one"))
    upsert, upserts = world.store.upsert, []

    async def slow(collection: str, rows: Sequence[Row]) -> None:
        await upsert(collection, rows)
        upserts.append(len(rows))

    def lost_by_then() -> None:
        if upserts:
            raise OwnershipLost("gone")

    world.store.upsert = slow
    with pytest.raises(OwnershipLost):
        await world.lane.process(
            [world.record("a/2", "two"), world.record("a/1", None)], lost_by_then
        )
    assert set(await world.ids()) == {"a/1", "a/2"}


async def test_after_a_transient_error_the_same_records_are_not_embedded_again(world):
    records = [world.record("a/1", "one")]
    await world.process()  # looks whether the model is the same
    texts = world.embedder.texts

    async def away(_collection: str, _rows: Sequence[Row]) -> None:
        raise TransientError("Milvus is away")

    upsert, world.store.upsert = world.store.upsert, away
    with pytest.raises(TransientError):
        await world.process(*records)
    world.store.upsert = upsert
    await world.process(*records)
    assert world.embedder.texts == texts + 1
    assert await world.ids() == {"a/1": 0}


async def test_a_row_that_was_not_stored_as_written_is_found_by_the_read_back(world):
    async def forget(_collection: str, _rows: Sequence[Row]) -> None:
        """Answer well and store nothing."""

    world.store.upsert = forget
    with pytest.raises(TransientError, match="not stored as written"):
        await world.process(world.record("a/1", "one"))


async def test_a_row_that_the_store_refuses_is_dead_lettered_alone(world):
    upsert = world.store.upsert

    async def picky(collection: str, rows: Sequence[Row]) -> None:
        if any(row.id == "a/2" for row in rows):
            raise InputRefused("the row is too large")
        await upsert(collection, rows)

    world.store.upsert = picky
    await world.process(
        world.record("a/1", "x"), world.record("a/2", "y"), world.record("a/3", "z")
    )
    assert set(await world.ids()) == {"a/1", "a/3"}
    assert [letter.reason for letter in await world.letters()] == ["refused_by_store"]


async def test_a_model_that_was_replaced_under_a_running_lane_stops_it(world):
    await world.process(world.record("a/1", "one"))
    world.embedder.digest = "another"
    world.now += 60
    with pytest.raises(LaneHalted, match="digest"):
        await world.process(world.record("a/2", "two"))
    assert set(await world.ids()) == {"a/1"}


async def test_weights_swapped_under_the_same_name_stop_the_lane_before_it_writes(world):
    await world.process(world.record("a/1", "one"))
    world.embedder.weights = "others"
    world.now += 60
    with pytest.raises(LaneHalted) as halted:
        await world.process(world.record("a/2", "two"))
    assert any(f"canary '{text[:30]}" in str(halted.value) for text in CANARY_TEXTS)
    assert "(at least 0.999) was 1.0, is " in str(halted.value)
    assert "hotswap build start l" in str(halted.value)
    assert set(await world.ids()) == {"a/1"}
    with pytest.raises(LaneHalted):
        await world.process(world.record("a/2", "two"))


async def test_once_the_old_weights_are_back_the_lane_goes_on(world):
    world.embedder.weights = "others"
    record = world.record("a/1", "one")
    with pytest.raises(LaneHalted):
        await world.process(record)
    world.embedder.weights = ""
    await world.process(record)
    assert await world.ids() == {"a/1": 0}


async def test_what_other_weights_made_meanwhile_is_not_written_once_the_old_ones_are_back(world):
    """Swapped between two looks, and Milvus away: the vectors wait for another attempt."""
    await world.process()

    async def away(_collection: str, _rows: Sequence[Row]) -> None:
        raise TransientError("Milvus is away")

    upsert, world.store.upsert = world.store.upsert, away
    world.embedder.weights, record = "others", world.record("a/1", "one")
    with pytest.raises(TransientError):
        await world.process(record)
    world.store.upsert = upsert
    world.now += 60
    with pytest.raises(LaneHalted):
        await world.process(record)
    world.embedder.weights = ""
    await world.process(record)
    (wanted,) = await world.embedder.embed(["one"])
    stored = await world.store.vectors(COLLECTION, ["a/1"])
    assert float(stored["a/1"] @ wanted) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("refusal", [TransientError("away"), InputRefused("no")])
async def test_canaries_that_can_not_be_embedded_now_never_halt_the_lane(world, refusal):
    world.embedder.failures.append(refusal)
    record = world.record("a/1", "one")
    with pytest.raises(TransientError, match=str(refusal)):
        await world.process(record)
    await world.process(record)
    assert await world.ids() == {"a/1": 0}


async def test_a_build_without_canaries_is_filled_as_ever(world):
    world.lane = await world.new_lane(canaries=False)
    texts = world.embedder.texts
    await world.process(world.record("a/1", "one"))
    assert world.embedder.texts == texts + 1


async def test_versions_beyond_the_end_of_the_log_stop_the_lane(world):
    """`documents` was deleted and made again: its offsets start anew."""
    newer = LogRecord("documents", 0, 500, b"a/1", world.record("a/1", "one").value)
    await world.process(newer)
    with pytest.raises(LaneHalted, match="made anew"):
        await world.process(world.record("a/1", "two"))
