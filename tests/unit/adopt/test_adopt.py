"""Vectors that were paid for elsewhere become a lane's rows, and nothing is bought twice."""

import numpy as np
import pytest

from schemas import WorkerState
from streams.core.adoption import IdIs
from streams.errors import ConfigurationError, DriftError, TransientError
from streams.ports import ForeignRow, ForeignShape, Row
from tests.unit.adopt.world import COLLECTION, World


async def test_each_row_stands_under_its_document_id_at_length_1_and_the_newest_version(
    world, texts
):
    await world.documents(dict.fromkeys(texts, "an older text"))
    places = await world.documents(texts)
    await world.old_rows(texts)
    adoption = await world.adopt()
    assert (adoption.adopted, adoption.to_buy, adoption.refused) == (40, 0, "")
    rows = [row async for page in world.store.scan(COLLECTION, vectors=True) for row in page]
    assert {row.id: (row.shard, row.version) for row in rows} == places
    ids = [f"articles/{number}" for number in texts]
    vectors = await world.store.vectors(COLLECTION, ids)
    wanted = await world.embedder.embed(list(texts.values()))
    for id_, vector in zip(ids, wanted, strict=True):
        assert vectors[id_] == pytest.approx(vector, abs=1e-6)
        assert np.linalg.norm(vectors[id_]) == pytest.approx(1.0, abs=1e-6)
    (nearest,) = await world.store.search(COLLECTION, wanted[7], k=1)
    assert (nearest.id, nearest.key, nearest.metadata) == ("articles/7", {"id": 7}, {"n": 7})


async def test_only_the_newest_version_of_a_document_is_written(world, texts, monkeypatch):
    await world.documents(dict.fromkeys(texts, "an older text"))
    await world.documents(texts)
    await world.old_rows(texts)
    real = world.store.upsert
    written: list[str] = []

    async def upsert_and_tell(collection, rows):
        written.extend(row.id for row in rows)
        await real(collection, rows)

    monkeypatch.setattr(world.store, "upsert", upsert_and_tell)
    await world.adopt(batch=7)
    assert sorted(written) == sorted(f"articles/{number}" for number in texts)


async def test_only_the_sample_is_embedded(world, texts):
    await world.documents(texts)
    await world.old_rows(texts)
    adoption = await world.adopt(sample=30)
    assert (world.embedder.calls, world.embedder.texts) == (2, 30)  # 20 in a call
    assert (adoption.calls, adoption.texts) == (2, 30)


async def test_a_second_run_finds_everything_there_and_embeds_nothing(world, texts):
    await world.documents(texts)
    await world.old_rows(texts)
    await world.adopt()
    texts_before = world.embedder.texts
    again = await world.adopt()
    assert (again.adopted, again.already, again.proof) == (0, 40, None)
    assert world.embedder.texts == texts_before


async def test_another_models_vectors_are_refused_with_numbers_and_nothing_is_written(world, texts):
    await world.documents(texts)
    await world.old_rows({number: f"another model {number}" for number in texts})
    adoption = await world.adopt()
    assert adoption.refused.startswith("10 of 10 sampled vectors are not what")
    assert adoption.proof.interval[0] > 0.6
    assert adoption.adopted == 0
    assert adoption.to_buy == 40
    assert await world.store.count(COLLECTION) == 0


async def test_with_texts_a_row_of_another_text_is_left_to_the_lane(world, texts):
    await world.documents(texts | {3: "What article 3 says now.", 4: "And article 4."})
    await world.old_rows(texts)
    adoption = await world.adopt(compare_texts=True)
    assert (adoption.adopted, adoption.out_of_date, adoption.to_buy) == (38, 2, 2)
    assert adoption.stale_rows is None
    assert await world.stored(["articles/3", "articles/4"]) == {}


async def test_texts_are_compared_as_the_normaliser_leaves_them(world):
    await world.documents({1: "caf\u00e9"})
    await world.old_rows({1: "cafe\u0301"}, length=1.0)
    (row,) = world.foreign.held
    (vector,) = await world.embedder.embed(["caf\u00e9"])
    world.foreign.held = [ForeignRow(row.id, vector, "  cafe\u0301\0 ")]
    assert (await world.adopt(compare_texts=True)).adopted == 1


async def test_without_texts_the_sample_says_how_many_are_out_of_date(world, texts):
    await world.documents(texts | {3: "What article 3 says now."})
    await world.old_rows(texts)
    adoption = await world.adopt(sample=40)
    assert adoption.proof.below == ("articles/3",)
    assert (adoption.adopted, adoption.out_of_date, adoption.to_buy) == (39, 1, 1)
    low, high = adoption.stale_rows
    assert low == 0
    assert 1 <= high <= 6
    assert await world.stored(["articles/3"]) == {}


async def test_what_the_sample_left_out_stays_out_in_a_second_run(world, texts):
    await world.documents(texts | {3: "What article 3 says now."})
    await world.old_rows(texts)
    await world.adopt(sample=40)
    again = await world.adopt(sample=40)
    assert (again.refused, again.adopted, again.already, again.out_of_date) == ("", 0, 39, 1)


async def test_unmatched_rows_and_documents_without_a_row_are_counted(world, texts):
    await world.documents(texts | {5: None, 100: "x" * 7})
    await world.old_rows(texts | {777: "no such article", -1: "neither"})
    told: list[object] = []
    adoption = await world.adopt(parts={"on_unmatched": told.extend})
    assert (adoption.rows, adoption.adopted, adoption.unmatched) == (42, 39, 3)
    assert set(told) == set(adoption.unmatched_samples) == {5, 777, -1}
    assert (adoption.documents, adoption.without_row, adoption.to_buy) == (40, 1, 1)
    assert (adoption.tokens, adoption.money) == (3, pytest.approx(6e-6))
    assert await world.stored(["articles/5"]) == {}


async def test_a_row_that_the_lane_has_at_that_version_or_newer_is_not_touched(world, texts):
    await world.documents(texts)
    await world.old_rows(texts)
    await world.adopt()
    before = await world.store.vectors(COLLECTION, ["articles/1"])
    world.foreign.held = [
        ForeignRow(row.id, np.ones(8, dtype=np.float32), row.text) for row in world.foreign.held
    ]
    await world.documents({50: "A new one."})
    await world.old_rows({50: "A new one."})
    await world.adopt(allowed_below=1.0)
    after = await world.store.vectors(COLLECTION, ["articles/1"])
    assert after["articles/1"].tobytes() == before["articles/1"].tobytes()


async def test_a_row_that_somebody_writes_meanwhile_is_not_overwritten(world, texts, monkeypatch):
    await world.documents(texts)
    await world.old_rows(texts)
    newer = Row(
        id="articles/1",
        embedding=np.eye(8, dtype=np.float32)[0],
        source="articles",
        key={"id": 1},
        shard=0,
        version=10_000,
        content_hash="0" * 32,
        metadata={},
        text_bytes=1,
        embedded_at=0,
    )
    real = world.foreign.rows
    asked = 0

    async def rows_and_be_overtaken(ids):
        nonlocal asked
        asked += 1
        found = await real(ids)
        if asked == 2:  # the first one is for the sample
            await world.store.upsert(COLLECTION, [newer])
        return found

    monkeypatch.setattr(world.foreign, "rows", rows_and_be_overtaken)
    adoption = await world.adopt(batch=1_000)
    assert (adoption.adopted, adoption.already) == (39, 1)
    assert (await world.stored(["articles/1"]))["articles/1"].version == 10_000


async def test_rows_that_share_an_id_are_left_out(world, texts):
    await world.documents(texts)
    await world.old_rows(texts)
    await world.old_rows({7: "another piece of article 7"})
    adoption = await world.adopt()
    assert (adoption.rows, adoption.adopted, adoption.ambiguous) == (41, 39, 1)
    assert adoption.unusable == 0
    assert adoption.to_buy == 1


@pytest.mark.parametrize("value", [0.0, np.nan])
async def test_a_row_without_a_usable_vector_is_left_to_the_lane(world, texts, value):
    await world.documents(texts)
    await world.old_rows(texts)
    world.foreign.held[4] = ForeignRow(4, np.full(8, value, dtype=np.float32), texts[4])
    adoption = await world.adopt(sample=1, seed=1, allowed_below=1.0)
    assert (adoption.adopted, adoption.unusable + adoption.out_of_date) == (39, 1)


STRANGE = ["plain", "7", "a b", 'a"b', "c\\d", "é", "p|q", "%20", "articles/1", "x" * 400]


async def test_strings_are_keys_of_the_source_whatever_stands_in_them(world):
    world.foreign = type(world.foreign)("old", ForeignShape(numbers=False, dimensions=8))
    texts = {key: f"What {key} says." for key in STRANGE}
    places = await world.documents(texts)
    await world.old_rows(texts | {"nobody's": "no such article", "y" * 600: "too long for an id"})
    adoption = await world.adopt(compare_texts=True)
    assert (adoption.rows, adoption.adopted, adoption.unmatched) == (12, 10, 2)
    assert (adoption.to_buy, adoption.refused) == (0, "")
    stored = await world.stored(places)
    assert {id_: one.version for id_, one in stored.items()} == {
        id_: version for id_, (_, version) in places.items()
    }


async def test_a_string_that_milvus_can_not_be_asked_for_is_left_to_the_lane(world):
    world.foreign = type(world.foreign)("old", ForeignShape(numbers=False, dimensions=8))
    texts = {"one": "What one says.", "two\nlines": "What two lines say."}
    await world.documents(texts)
    await world.old_rows(texts)
    adoption = await world.adopt()
    assert (adoption.adopted, adoption.unusable, adoption.to_buy) == (1, 1, 1)
    assert list(await world.stored(["articles/one", "articles/two%0Alines"])) == ["articles/one"]


async def test_whole_document_ids_are_taken_as_they_are(world, texts):
    await world.documents(texts)
    await world.old_rows(texts)
    world.foreign = type(world.foreign)(
        "old",
        ForeignShape(numbers=False, dimensions=8),
        [ForeignRow(f"articles/{row.id}", row.vector, row.text) for row in world.foreign.held]
        + [ForeignRow("articles", np.ones(8, dtype=np.float32))],
    )
    adoption = await world.adopt(id_is=IdIs.DOCUMENT)
    assert (adoption.adopted, adoption.unmatched) == (40, 1)


async def test_a_dry_run_proves_and_writes_nothing(world, texts):
    await world.documents(texts)
    await world.old_rows(texts)
    dry = await world.adopt(dry_run=True)
    assert (dry.adopted, dry.texts, dry.to_buy) == (40, 10, 0)
    assert await world.store.count(COLLECTION) == 0
    assert (await world.adopt()).adopted == 40


async def test_a_lane_that_is_not_paused_is_left_alone_and_the_remedy_named(world, texts):
    await world.documents(texts)
    await world.old_rows(texts)
    await world.resume()
    with pytest.raises(ConfigurationError, match="hotswap pause cloud --force --reason"):
        await world.adopt()
    assert (world.embedder.calls, await world.store.count(COLLECTION)) == (0, 0)


async def test_a_resume_in_the_middle_stops_before_the_next_batch(world, texts, monkeypatch):
    await world.documents(texts)
    await world.old_rows(texts)
    real = world.store.upsert

    async def upsert_and_resume(collection, rows):
        await real(collection, rows)
        await world.resume()

    monkeypatch.setattr(world.store, "upsert", upsert_and_resume)
    with pytest.raises(ConfigurationError, match="is not paused"):
        await world.adopt(batch=4)
    assert await world.store.count(COLLECTION) == 4


async def test_what_was_cut_off_is_finished_by_the_next_run(world, texts, monkeypatch):
    await world.documents(texts)
    await world.old_rows(texts)
    real = world.store.upsert
    left = [2]

    async def upsert_twice(collection, rows):
        if not left[0]:
            raise TransientError("Milvus is away")
        left[0] -= 1
        await real(collection, rows)

    monkeypatch.setattr(world.store, "upsert", upsert_twice)
    with pytest.raises(TransientError):
        await world.adopt(batch=4)
    monkeypatch.setattr(world.store, "upsert", real)
    again = await world.adopt(batch=4)
    assert (again.adopted, again.already) == (32, 8)


async def test_rows_that_are_not_stored_as_written_are_an_error(world, texts, monkeypatch):
    await world.documents(texts)
    await world.old_rows(texts)

    async def lose(_collection, _rows):
        return None

    monkeypatch.setattr(world.store, "upsert", lose)
    with pytest.raises(TransientError, match="were not stored as written"):
        await world.adopt()


async def test_workers_that_have_not_seen_the_pause_are_waited_for(world, texts):
    await world.documents(texts)
    await world.worker(version=0)
    with pytest.raises(TransientError, match="embed-cloud-1 at version 0"):
        await world.adopt(wait_seconds=0)
    await world.worker(version=1)
    assert (await world.adopt(wait_seconds=0)).rows == 0


async def test_a_worker_that_has_stopped_is_not_waited_for(world):
    await world.worker(version=0, state=WorkerState.STOPPED)
    assert (await world.adopt(wait_seconds=0)).rows == 0


async def test_vectors_of_another_length_are_refused_before_anything_is_read(world):
    world.foreign = type(world.foreign)("old", ForeignShape(numbers=True, dimensions=9))
    with pytest.raises(ConfigurationError, match="9 dimensions, lane cloud has 8"):
        await world.adopt()


async def test_a_source_whose_key_has_several_columns_needs_document_ids(world):
    with pytest.raises(ConfigurationError, match="book, number"):
        await world.adopt(source="parts")
    with pytest.raises(ConfigurationError, match="choose from: articles, parts"):
        await world.adopt(source="nonsense")
    with pytest.raises(ConfigurationError, match="the ids are numbers"):
        await world.adopt(source="parts", id_is=IdIs.DOCUMENT)


async def test_hotswaps_own_collection_can_not_be_adopted(world):
    world.foreign = type(world.foreign)(COLLECTION, ForeignShape(numbers=False, dimensions=8))
    with pytest.raises(ConfigurationError, match="is Hotswap's own"):
        await world.adopt()


async def test_a_model_that_is_not_the_pinned_one_proves_nothing(world):
    world.embedder.digest = "another"
    with pytest.raises(DriftError, match="digest"):
        await world.adopt()


async def test_rows_of_weights_that_the_build_was_not_begun_with_are_not_taken_in(texts):
    """The sample would prove them: the old rows are the live model's."""
    world = await World().start(canaries=True)
    world.embedder.weights = "others"
    await world.documents(texts)
    await world.old_rows(texts)
    with pytest.raises(DriftError, match="canary"):
        await world.adopt()
    assert await world.store.count(COLLECTION) == 0
