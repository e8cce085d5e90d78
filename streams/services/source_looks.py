"""Looking again at rows that differ from their documents, until they stand still.

A difference counts only if neither the row nor its document has changed for a while and the
normaliser has nothing left to do. Each look reads the row first and its document afterwards,
so that it sees whatever the connector had published by then.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from streams.config import Settings
from streams.core.normalisation import Limits
from streams.core.source_comparison import (
    Suspect,
    expectation_of,
    is_expected,
    key_of,
    packed,
)
from streams.ports import Database, Log
from streams.services.catching_up import wait_for_group
from streams.services.source_tables import SourceTable

__all__ = ["Ground", "Looks", "Place", "look_until_still", "normaliser_lag"]

Place = tuple[str, bytes]
"""A source's name, and a row's reference."""

_STILL_SECONDS = 10.0
"""Longer than a connector that works takes to publish a change."""
_PAUSE_SECONDS = 1.0
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Ground:
    """What is compared, and by which rules. `tables`: source → its table."""

    settings: Settings
    log: Log
    database: Database
    limits: Limits
    tables: Mapping[str, SourceTable]


@dataclass(slots=True)
class Looks:
    """What became of the suspects.

    Attributes:
        wrong: those that differ and stood still, as they were at the last look.
        changing: those that went on changing, and their documents with them.
        unsettled: those that are neither, when the time was over.
        lag: `topic/partition` → change events that the normaliser still lacked then.
    """

    wrong: list[tuple[str, Suspect]] = field(default_factory=list)
    changing: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    lag: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A suspect as it has been since a moment.

    Attributes:
        changed: at the last look, it or its document.
        both: at the last look, it and its document, so changes of this row do arrive.
    """

    suspect: Suspect
    since: float
    changed: bool = False
    both: bool = False


async def look_until_still(
    ground: Ground,
    suspects: Mapping[Place, Suspect],
    since: Mapping[int, int],
    *,
    wait_seconds: float,
    on_look: Callable[[int], None],
) -> Looks:
    """Look at suspects at least once more, until each is settled or the time is over.

    Args:
        ground: where rows and documents are.
        suspects: what differed in the first pass.
        since: partition → offset up to which `documents` were read for it.
        wait_seconds: how long at most, apart from the last look itself; 0 looks once.
        on_look: told after each look how many suspects are left.

    Raises: TransientError, ConfigurationError.
    """
    clock = asyncio.get_running_loop().time
    started = clock()
    patience = min(wait_seconds, _STILL_SECONDS)
    left = {place: _Seen(suspect, started) for place, suspect in suspects.items()}
    looks = Looks()
    while left:
        expected = await _rows_now(ground, left)
        remaining = max(patience, started + wait_seconds - clock())
        looks.lag = await normaliser_lag(ground, wait_seconds=remaining, on_lag=_unheard)
        if looks.lag:
            break
        found = {place: seen.suspect.found for place, seen in left.items()}
        since = await _documents_now(ground, found, since)
        now = clock()
        left = dict(_compared(left, expected, found, now))
        on_look(len(left))
        for place, seen in list(left.items()):
            if not seen.changed and now - seen.since >= patience:
                looks.wrong.append((place[0], left.pop(place).suspect))
            elif seen.both and now - started >= patience:
                left.pop(place)
                looks.changing.append(place[0])
        if now - started >= wait_seconds:
            break
        if left:
            await asyncio.sleep(min(_PAUSE_SECONDS, started + wait_seconds - now))
    looks.unsettled += [source for source, _ in left]
    return looks


def _unheard(_lag: Mapping[str, int]) -> None:
    """Waiting between two looks is too short to tell of."""


def _compared(
    left: Mapping[Place, _Seen],
    expected: Mapping[Place, bytes],
    found: Mapping[Place, bytes | None],
    now: float,
) -> Iterator[tuple[Place, _Seen]]:
    for place, seen in left.items():
        suspect = Suspect(place[1], expected.get(place), found[place])
        if not is_expected(suspect.expected, suspect.found):
            changed = suspect != seen.suspect
            row_changed = suspect.expected != seen.suspect.expected
            both = row_changed and suspect.found != seen.suspect.found
            yield place, _Seen(suspect, now if changed else seen.since, changed, both)


async def normaliser_lag(
    ground: Ground, *, wait_seconds: float, on_lag: Callable[[Mapping[str, int]], None]
) -> dict[str, int]:
    """Wait until the normaliser has done all change events that are there now.

    Args:
        ground: names the topics and the group.
        wait_seconds: how long at most; 0 looks once.
        on_lag: told `topic/partition` → change events that are left, at every look at a topic.

    Returns:
        The same of all topics that are not done in time; empty if all are.

    Raises: TransientError, ConfigurationError.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_seconds
    group = ground.settings.group("normalise")
    topics = [
        table.topic
        for table in ground.tables.values()
        # The connector makes the topic of an empty table with its first row.
        if await ground.log.describe(table.topic) is not None
    ]
    ends = {topic: await ground.log.ends(topic) for topic in topics}
    behind: dict[str, int] = {}
    for topic, snapshot in ends.items():

        def told(lag: Mapping[int, int], topic: str = topic) -> None:
            on_lag(behind | _named(topic, lag))

        lag = await wait_for_group(
            ground.log,
            group,
            topic,
            snapshot,
            wait_seconds=max(0.0, deadline - clock()),
            on_lag=told,
        )
        behind.update(_named(topic, lag))
    return behind


def _named(topic: str, lag: Mapping[int, int]) -> dict[str, int]:
    return {f"{topic}/{partition}": count for partition, count in sorted(lag.items())}


async def _rows_now(ground: Ground, places: Mapping[Place, _Seen]) -> dict[Place, bytes]:
    """What the rows ask for, as they are now; absent rows are left out."""
    expected: dict[Place, bytes] = {}
    for name, table in ground.tables.items():
        keys = (key_of(reference, table.source) for source, reference in places if source == name)
        known = (key for key in keys if key is not None)
        while lot := list(islice(known, _AT_ONCE)):
            rows = await ground.database.lookup(
                table.table.name, table.columns, table.source.key, lot
            )
            for row in rows:
                one = expectation_of(row, table.source, ground.limits, table.metadata)
                expected[name, one.reference] = one.packed
    return expected


async def _documents_now(
    ground: Ground, found: dict[Place, bytes | None], since: Mapping[int, int]
) -> dict[int, int]:
    """Bring `found` up to date; partition → offset up to which it is."""
    topic = ground.settings.kafka.topics.documents
    places = {place[1]: place for place in found}
    ends = await ground.log.ends(topic)
    async for page in ground.log.read(topic, since=since, until=ends):
        for record in page:
            if record.key is not None and (place := places.get(record.key)) is not None:
                value = record.value
                found[place] = None if value is None else packed(value, record.timestamp)
    return ends
