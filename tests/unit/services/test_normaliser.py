"""The normaliser's record of what it appended is the log itself."""

import json
from collections.abc import Sequence

import pytest

from streams.adapters.memory_log import MemoryLog
from streams.errors import OwnershipLost, TransientError
from streams.ports import LogRecord, NewRecord
from tests.unit.services.normaliser_world import (
    CDC,
    documents,
    everything,
    letters,
    make,
    owned,
)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def event(op: str, id_: int | None, lsn: int, body: str | None = "text", partition: int = 0):
    key = None if id_ is None else json.dumps({"id": id_}).encode()
    row = None if op in "dt" else {"id": id_, "body": body, "views": 1}
    value = {
        "op": op,
        "before": None,
        "after": row,
        "source": {"connector": "postgresql", "lsn": lsn},
    }
    return LogRecord(CDC, partition, lsn, key, json.dumps(value).encode())


async def test_rows_become_documents_and_deletes_become_tombstones(log):
    normaliser = await make(log)
    await normaliser.process([event("c", 1, 10), event("c", 2, 11), event("d", 1, 12)], owned)
    assert await documents(log) == {"articles/1": None, "articles/2": "text"}


async def test_a_bad_event_is_dead_lettered_and_the_next_good_one_goes_through(log):
    normaliser = await make(log)
    bad = LogRecord(CDC, 0, 7, b'{"id": 1}', b"not json", headers=(("trace", b"t"),))
    await normaliser.process([bad, event("c", 2, 8)], owned)
    assert await documents(log) == {"articles/2": "text"}
    (letter,) = await everything(log, "dead-letters")
    assert (letter.key, letter.value) == (bad.key, bad.value)
    (told,) = await letters(log)
    assert (told.stage, told.reason, told.topic, told.offset) == ("normalise", "not_json", CDC, 7)


async def test_a_truncate_deletes_what_stood_before_it_and_nothing_after(log):
    normaliser = await make(log)
    await normaliser.process([event("c", 1, 10), event("c", 2, 11)], owned)
    await normaliser.process([event("t", None, 12), event("c", 3, 13)], owned)
    assert await documents(log) == {"articles/1": None, "articles/2": None, "articles/3": "text"}


async def test_what_was_appended_while_another_worker_truncated_is_taken_back(log):
    unaware = await make(log, caught_up=False)
    await (await make(log)).process([event("t", None, 12)], owned)
    late = [event("c", 1, 10), event("c", 2, 13), event("c", 3, 10), event("u", 3, 14)]
    await unaware.process(late, owned)
    assert await documents(log) == {"articles/1": None, "articles/2": "text", "articles/3": "text"}
    assert unaware.counters["truncated"] == 1


async def test_an_older_event_that_comes_late_from_another_partition_stays_truncated(log):
    first = await make(log)
    await first.process([event("t", None, 12)], owned)
    second = await make(log)  # another worker, or this one after a restart
    await second.process([event("c", 1, 10, partition=1), event("c", 2, 13, partition=1)], owned)
    assert await documents(log) == {"articles/2": "text"}


async def test_a_row_that_another_worker_wrote_after_the_truncate_is_not_lost(log):
    normaliser = await make(log)
    await normaliser.process([event("c", 1, 13, body="newer")], owned)
    await normaliser.process([event("t", None, 12, partition=1)], owned)
    assert await documents(log) == {"articles/1": "newer"}


async def test_a_truncate_that_is_delivered_twice_changes_nothing_more(log):
    normaliser = await make(log)
    await normaliser.process([event("c", 1, 10), event("t", None, 12), event("c", 1, 13)], owned)
    before = await documents(log)
    await normaliser.process([event("t", None, 12), event("c", 1, 13)], owned)
    assert await documents(log) == before == {"articles/1": "text"}


async def test_nothing_is_appended_by_a_worker_that_lost_its_partition(log):
    normaliser = await make(log)

    def lost() -> None:
        raise OwnershipLost("gone")

    with pytest.raises(OwnershipLost):
        await normaliser.process([event("c", 1, 10)], lost)
    assert await documents(log) == {}


async def test_a_batch_is_not_done_before_the_broker_has_confirmed_every_record():
    """A send that was accepted but never delivered would be lost by an early return."""

    class Refusing(MemoryLog):
        async def append(self, records: Sequence[NewRecord]) -> list[tuple[int, int]]:
            raise TransientError(f"no broker took {len(records)} records")

    log = Refusing()
    normaliser = await make(log)
    with pytest.raises(TransientError):
        await normaliser.process([event("c", 1, 10)], owned)
    assert normaliser.counters["documents"] == 0
