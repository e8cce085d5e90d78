"""Filling a lane while its worker is killed, and while the application writes the same rows."""

import json
from collections import Counter
from hashlib import blake2b

import psycopg
import pytest

from streams.adapters.recording_relay import RecordingRelay
from streams.core.canaries import CANARY_TEXTS
from streams.core.identity import document_id
from tests.integration.system import LANES, System
from tests.waiting import until

pytestmark = pytest.mark.stack

DOCUMENTS = 5_000
KILLS = 10


def sent(relay: RecordingRelay) -> Counter[str]:
    """Text → how often it was sent to Ollama to be embedded, whatever server that is."""
    calls = [json.loads(one.sent) for one in relay.exchanges if one.path.endswith("/api/embed")]
    return Counter(text for call in calls for text in call["input"])


async def until_documents(system: System, count: int) -> None:
    async def there() -> bool:
        ends = await system.log.ends(system.settings.kafka.topics.documents)
        return sum(ends.values()) >= count

    await until(there, f"documents holds {count} records", 120, every=0.25)


async def until_more_is_done(system: System) -> None:
    """Wait until the Ollama lane has committed something further, or has nothing left."""
    before = await system.lag("embed:ollama")

    async def moved() -> bool:
        return await system.lag("embed:ollama") < max(1, before)

    await until(moved, "the Ollama lane gets on", 60)


async def fill_and_kill(system: System) -> None:
    """Kill the lane's worker over and over, and let the last one get to the end."""
    for kill in range(1, KILLS + 1):
        worker = await system.worker("embed:ollama")
        await system.until_lane_holds("ollama", kill * DOCUMENTS // (KILLS + 1))
        await worker.kill()
    shown = await system.hotswap("backfill", "ollama", "--once", "--json", status=6)
    held = json.loads(shown)
    assert held["total"] == DOCUMENTS
    assert 0 < held["documents"] < DOCUMENTS
    assert not held["complete"]
    await system.worker("embed:ollama")
    *looks, outcome = (await system.hotswap("backfill", "ollama", "--json")).splitlines()
    assert looks
    assert json.loads(outcome)["complete"]
    assert json.loads(outcome)["verify"]["verdict"] == "clean"
    assert json.loads(outcome)["evidence"]["verdict"] == "accepted"
    assert await system.store.count(system.collection("ollama")) == DOCUMENTS


@pytest.mark.timeout(600)
async def test_ten_kills_during_a_backfill_cost_at_most_a_batch_each(system: System):
    await system.sql(
        "INSERT INTO articles (id, body) SELECT n, 'Text ' || n FROM generate_series(1, %s) n",
        [DOCUMENTS],
    )
    await system.worker("normalise")
    await until_documents(system, DOCUMENTS)
    with RecordingRelay(system.endpoints.ollama_url, timeout_seconds=60) as relay:
        system.configure(f'"{system.endpoints.ollama_url}"', f'"{relay.url}"')
        await fill_and_kill(system)
        texts = sent(relay)
        # What was proven stays so, and looking again costs nothing.
        await system.hotswap("backfill", "ollama", "--once")
        assert sent(relay) == texts
    documents = {f"Text {number}" for number in range(1, DOCUMENTS + 1)}
    assert documents <= texts.keys()
    batch = system.settings.lanes["ollama"].batch_records
    assert sum(texts[one] for one in documents) <= DOCUMENTS + KILLS * batch
    # Beside them only the one word and the canaries by which a model is known.
    assert len(texts.keys() - documents - set(CANARY_TEXTS)) == 1


@pytest.mark.timeout(600)
async def test_writes_that_race_the_backfill_of_their_rows_win_in_both_lanes(system: System):
    rows = 1_000
    await system.write(range(1, rows + 1), "First text of {}.")
    await system.worker("normalise")
    await until_documents(system, rows)
    for lane in LANES:
        await system.worker(f"embed:{lane}")
    raced = 0
    for turn in range(1, 11):
        await until_more_is_done(system)
        raced += await system.store.count(system.collection("ollama")) < rows * 9 // 10
        await system.write(range(turn, rows + 1, 17), f"Turn {turn} of {{}}.")
        await system.sql("DELETE FROM articles WHERE id %% 31 = %s", [turn])
        await system.sql("UPDATE articles SET views = %s WHERE id %% 19 = %s", [turn, turn])
    assert raced, "the backfill was over before a row of it was written"
    await system.until_converged()
    await system.must_be_clean()
    async with await psycopg.AsyncConnection.connect(
        system.endpoints.postgres_dsn, options=f"-c search_path={system.name}"
    ) as connection:
        cursor = await connection.execute("SELECT id, body FROM articles ORDER BY id")
        newest = await cursor.fetchmany(500)
    wanted = {
        document_id("articles", [number]): blake2b(body.encode(), digest_size=16).hexdigest()
        for number, body in newest
    }
    for lane in LANES:
        stored = await system.store.versions(system.collection(lane), list(wanted))
        assert {id_: one.content_hash for id_, one in stored.items()} == wanted
    outcome = (await system.hotswap("backfill", "ollama", "--json")).splitlines()[-1]
    assert json.loads(outcome)["complete"]
