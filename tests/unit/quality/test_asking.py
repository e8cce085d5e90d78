"""Asking a lane a set of queries: every query ends as an answer or a failure, or the run ends."""

import pytest

from schemas import BuildStarted
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_store import MemoryStore
from streams.core.query_files import TestQuery
from streams.errors import DriftError, InputRefused, LaneHalted, TransientError
from streams.ports import Purpose, Row
from streams.services.quality.asking import QueryLane, ask, ask_again

COLLECTION = "documents_small_1"
QUERIES = [TestQuery(str(number), f"text {number}") for number in range(20)]


@pytest.fixture
def embedder() -> MemoryEmbedder:
    return MemoryEmbedder(8, query_template="query: {text}")


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
async def lane(embedder, pauses) -> QueryLane:
    """A lane whose rows were embedded as queries, so that each finds its own."""
    fingerprint = await embedder.identify()
    store = MemoryStore()
    await store.create(COLLECTION, fingerprint)
    vectors = await embedder.embed([query.text for query in QUERIES], Purpose.QUERY)
    await store.upsert(
        COLLECTION,
        [
            Row(f"s/{query.id}", vector, "s", {}, 0, 1, "0" * 32, {}, 1, 1)
            for query, vector in zip(QUERIES, vectors, strict=True)
        ],
    )
    build = BuildStarted(
        id="1",
        by="test",
        lane="small",
        build=1,
        collection=COLLECTION,
        fingerprint=fingerprint,
        documents_partitions=1,
    )

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    return QueryLane(build, embedder, store, concurrency=3, pause=pause)


def ignore(_steps: int) -> None:
    pass


def batches(embedder, monkeypatch) -> list[list[str]]:
    """What the embedder is asked from now on, call by call."""
    seen: list[list[str]] = []
    embed = embedder.embed

    async def note(texts, purpose):
        seen.append(list(texts))
        return await embed(texts, purpose)

    monkeypatch.setattr(embedder, "embed", note)
    return seen


async def test_every_query_is_embedded_by_itself_as_a_query(lane, embedder, monkeypatch):
    seen = batches(embedder, monkeypatch)
    asked = await ask(lane, QUERIES, 3, ignore)
    assert list(asked.answers) == [query.id for query in QUERIES]
    assert all(answer.ids[0] == f"s/{query}" for query, answer in asked.answers.items())
    assert all(len(answer.ids) == len(answer.scores) == 3 for answer in asked.answers.values())
    assert sorted(seen) == sorted([query.text] for query in QUERIES)


async def test_the_second_round_has_other_places_in_other_batches(lane, embedder, monkeypatch):
    first = await ask(lane, QUERIES, 3, ignore)
    seen = batches(embedder, monkeypatch)
    second = await ask_again(lane, QUERIES, 3, ignore)
    assert [len(texts) for texts in seen] == [8, 8, 4]
    assert seen[0][0] == QUERIES[-1].text
    assert {query: answer.ids for query, answer in second.answers.items()} == {
        query: answer.ids for query, answer in first.answers.items()
    }


async def test_progress_counts_every_query_once(lane):
    steps: list[int] = []
    await ask(lane, QUERIES, 3, steps.append)
    assert sum(steps) == 20
    steps.clear()
    await ask_again(lane, QUERIES, 3, steps.append)
    assert steps == [8, 8, 4]


@pytest.mark.parametrize("round_", [ask, ask_again])
async def test_a_refused_query_is_a_failure_and_takes_no_other_along(lane, embedder, round_):
    embedder.refuses = lambda text: text == "text 7"
    asked = await round_(lane, QUERIES, 3, ignore)
    (failure,) = asked.failures
    assert (failure.query, failure.lane, failure.error) == ("7", "small", "a text is refused")
    assert len(asked.answers) == 19


async def test_what_may_pass_is_tried_again_after_as_long_as_was_asked_for(lane, embedder, pauses):
    embedder.failures.extend([TransientError("busy", retry_after=3.0), TransientError("busy")])
    asked = await ask(lane, QUERIES[:1], 3, ignore)
    assert not asked.failures
    assert pauses == [3.0, 1.0]


async def test_nobody_waits_longer_than_a_minute_at_a_time(lane, embedder, pauses):
    embedder.failures.append(TransientError("busy", retry_after=86_400))
    await ask(lane, QUERIES[:1], 3, ignore)
    assert pauses == [60.0]


async def test_a_query_that_stays_unanswered_is_a_failure(lane, embedder):
    embedder.failures.extend(TransientError("busy") for _ in range(5))
    asked = await ask(lane, QUERIES[:1], 3, ignore)
    assert [failure.error for failure in asked.failures] == ["busy"]


@pytest.mark.parametrize("round_", [ask, ask_again])
async def test_a_lane_that_answers_nothing_any_more_ends_the_run(lane, embedder, round_):
    embedder.failures.extend(TransientError("away") for _ in range(1_000))
    many = [TestQuery(str(number), f"text {number}") for number in range(60)]
    with pytest.raises(TransientError, match="query after query unanswered, at last: away"):
        await round_(lane, many, 3, ignore)
    assert embedder.calls < 40


async def test_failures_here_and_there_do_not_end_the_run(lane, monkeypatch):
    search, count = lane.store.search, iter(range(1_000))

    async def every_other(*arguments):
        if next(count) % 2:
            raise InputRefused("not this one")
        return await search(*arguments)

    monkeypatch.setattr(lane.store, "search", every_other)
    asked = await ask(lane, QUERIES, 3, ignore)
    assert len(asked.answers) == len(asked.failures) == 10


async def test_a_lane_that_needs_an_operator_ends_the_run_at_once(lane, embedder):
    embedder.failures.append(LaneHalted("quota"))
    with pytest.raises(LaneHalted, match="quota"):
        await ask(lane, QUERIES, 3, ignore)


async def test_a_model_that_was_replaced_is_told_with_what_differs(lane, embedder):
    await lane.must_be_the_same_model()
    embedder.digest = "another"
    with pytest.raises(DriftError, match="digest: expected None, found 'another'"):
        await lane.must_be_the_same_model()
