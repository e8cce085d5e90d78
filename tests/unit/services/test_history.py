"""The history holds every record with its verdict, also those that are no order."""

import asyncio
from contextlib import aclosing

from schemas import Stage, StageSet
from streams.migration.signing import Keyring
from streams.ports import NewRecord
from streams.services.history import Entry, History
from tests.unit.services.control_world import KEY, control_log, live, migration, send


async def test_every_record_stands_in_it_with_its_verdict():
    log = await control_log([*migration(), *live()])
    await send(log, StageSet(id="leap", by="ann", reason="now", to=Stage.COMPLETE))
    entries = await History(log, "control").past()
    assert [entry.offset for entry in entries] == list(range(9))
    first, last = entries[3], entries[-1]
    assert (first.verdict, first.overridden, first.version) == ("accepted", ("preflight",), 3)
    assert (last.by, last.what, last.reason) == ("ann", "stage complete", "now")
    assert (last.verdict, last.rejection) == ("rejected", "forbidden")
    assert last.version == 7
    assert not last.obeyed


async def test_a_record_that_can_not_be_read_shows_its_head():
    log = await control_log(migration())
    raw = b'{"kind": "stge", "x": "' + b"\xff" * 100
    await log.append([NewRecord("control", None, raw), NewRecord("control", b"stage", None)])
    broken, absent = (await History(log, "control").past())[-2:]
    assert (broken.kind, broken.by, broken.rejection) == (None, None, "unreadable")
    assert broken.what == '{"kind": "stge", "x": "' + "\\xff" * 57 + "…"
    assert absent.what == ""


async def test_the_newest_are_given_of_those_that_are_wanted_and_all_are_folded():
    log = await control_log([*migration(), *live()])
    history = History(log, "control", wanted=lambda entry: entry.kind == "stage")
    assert [entry.what for entry in await history.past(2)] == ["stage shadow", "stage live"]


async def test_unsigned_records_are_rejected_where_there_is_a_key():
    log = await control_log(migration(), key=KEY)
    await send(log, StageSet(id="forged", by="ann", to=Stage.DUALWRITE))
    entries = await History(log, "control", Keyring((KEY,))).past()
    assert [entry.rejection for entry in entries] == [None, None, None, "signature"]


async def test_what_comes_later_is_told_as_it_comes_and_once():
    log = await control_log(migration())
    history = History(log, "control")
    await history.past()
    told: asyncio.Queue[Entry] = asyncio.Queue()

    async def follow() -> None:
        async with aclosing(history.coming()) as coming:
            async for entry in coming:
                told.put_nowait(entry)

    following = asyncio.create_task(follow())
    for command in live():
        offset = await send(log, command)
        entry = await asyncio.wait_for(told.get(), 10)
        assert (entry.offset, entry.verdict) == (offset, "accepted")
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert told.empty()
