"""From a Postgres change to the same id in two Milvus lanes, on real parts."""

import json

import pytest

from schemas import Finding, Verdict
from tests.integration.system import LANES, System
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


async def test_every_kind_of_change_ends_in_both_lanes_under_the_same_ids(system: System):
    await system.write(range(1, 61))
    await system.sql("INSERT INTO parts SELECT 'a|b', n, 'Part ' || n FROM generate_series(1, 9) n")
    await system.all_workers()
    await system.until_converged()
    made = {lane: await system.embedded(lane) for lane in LANES}

    await system.sql("UPDATE articles SET views = views + 1 WHERE id <= 20")
    await system.until_converged()
    await system.must_be_clean()
    assert {lane: await system.embedded(lane) for lane in LANES} == made

    await system.write(range(50, 71), "Rewritten text of {}.")
    await system.sql("DELETE FROM articles WHERE id % 7 = 0")
    await system.sql("UPDATE articles SET id = 1000 WHERE id = 1")
    await system.sql("UPDATE articles SET body = '   ' WHERE id = 2")
    await system.sql("TRUNCATE parts")
    await system.sql("INSERT INTO parts VALUES ('a|b', 1, 'After the truncate')")
    await system.until_converged()
    await system.must_be_clean()
    cloud, ollama = [await system.ids(lane) for lane in LANES]
    assert cloud == ollama == await system.rows()
    assert {"articles/1000", "parts/a%7Cb|1"} <= cloud
    assert not {"articles/1", "articles/2", "articles/7", "parts/a%7Cb|2"} & cloud
    assert await system.letters() == []


async def test_a_second_init_changes_nothing(system: System):
    before = system.state
    await system.init()
    assert system.state == before


async def test_a_row_that_can_not_be_embedded_is_dead_lettered_and_the_next_goes_through(
    system: System,
):
    await system.all_workers()
    await system.sql("ALTER TABLE articles RENAME COLUMN body TO content")
    await system.sql("INSERT INTO articles VALUES (1, 'Its text column has another name now')")
    await system.sql("ALTER TABLE articles RENAME COLUMN content TO body")
    await system.sql("INSERT INTO articles VALUES (2, 'A good row')")
    for lane in LANES:
        await system.until_lane_holds(lane, 1)
    assert [(letter.reason, letter.document_id) for letter in await system.letters()] == [
        ("column_missing", "articles/1")
    ]
    assert await system.ids("cloud") == {"articles/2"}


async def test_a_dead_letter_is_put_back_through_the_place_where_it_failed_once(system: System):
    await system.all_workers()
    dense = "!?" * 580  # within the budget of bytes, and far more tokens than the model takes
    await system.write([1], dense)
    await system.write([2], "A good row.")

    async def letters(count: int) -> bool:
        return len(await system.letters()) == count

    await until(lambda: letters(1), "the dense text is dead-lettered", 60)
    (letter,) = await system.letters()
    assert (letter.stage, letter.reason) == ("embed:ollama", "refused_by_embedder")

    async def both_are_embedded() -> bool:
        return await system.embedded("cloud") == 2

    await until(both_are_embedded, "the cloud lane has embedded both", 60)

    (listed,) = json.loads(await system.hotswap("dead-letters", "list", "--json"))
    await system.hotswap("dead-letters", "replay", listed["id"])
    await until(lambda: letters(2), "it failed again, as a letter of its own", 60)
    refused = await system.hotswap("dead-letters", "replay", listed["id"], status=1)
    assert "replayed" in refused
    await until(lambda: nothing_left(system), "all is done", 60)
    assert await system.embedded("cloud") == 2
    report = await system.verify("ollama")
    assert (report.verdict, report.counts[Finding.DEAD_LETTERED]) == (Verdict.CLEAN, 1)


async def nothing_left(system: System) -> bool:
    return not sum([await system.lag(f"embed:{lane}") for lane in LANES])
