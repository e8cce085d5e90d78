"""Laws that hold in every state that the fold can come to."""

import json
from typing import Any

from schemas import MigrationDefined, Stage
from schemas.evidence import Evidence
from streams.core.routing import route
from streams.migration.fold import Fold, Folded
from streams.migration.reads import reading_lanes, routing_of
from streams.migration.state import State
from streams.migration.verdicts import Accepted, Unchanged
from streams.migration.writes import is_written
from tests.unit.migration.log import record


def only_fully_written_lanes_answer(state: State) -> None:
    """Including those that may only stand in for another."""
    for lane in reading_lanes(state):
        assert state.lanes[lane].fully_written, (state.stage, lane)
        assert is_written(state, lane), (state.stage, lane)


def reads_go_where_they_may(state: State) -> None:
    routing = routing_of(state)
    if routing is None:
        assert not reading_lanes(state)
        return
    for key in ("a", "b", None):
        for cohort in (None, *routing.cohorts):
            assert route(routing, key, cohort).lane in reading_lanes(state)
    on_target = state.stage in (Stage.RAMPDOWN, Stage.COMPLETE)
    assert (routing.percent == 100) if on_target else (0 <= routing.percent <= 100)
    if state.stage in (Stage.OFF, Stage.DUALWRITE, Stage.SHADOW):
        assert (routing.percent, routing.cohorts) == (0, frozenset())


def lanes_are_sound(state: State) -> None:
    for name, lane in state.lanes.items():
        assert lane.serving in lane.builds
        assert lane.newest >= max(lane.builds)
        assert (lane.written_from is not None) == is_written(state, name), (state.stage, name)
        assert lane.written_from is not None or not any(b.proven for b in lane.builds.values())


def a_rollback_puts_all_reads_on_the_source(fold: Fold) -> None:
    """At once and without any evidence, wherever the source is fully written."""
    migration = fold.state.migration
    if migration is None or not fold.state.lanes[migration.source].fully_written:
        return
    for to in ("shadow", "dualwrite", "off"):
        copy = fold.copy()
        command = {"kind": "rollback", "to": to, "id": "rollback", "by": "law"}
        folded = copy.take(record(copy.offset + 1, 0, json.dumps(command).encode()))
        assert isinstance(folded.verdict, Accepted | Unchanged), folded.verdict
        assert reading_lanes(copy.state) == {migration.source}
        routing = routing_of(copy.state)
        assert routing is not None
        assert route(routing, "anybody", "staff").lane == migration.source
        if isinstance(folded.verdict, Accepted):
            assert copy.state.stage == to


def all_laws(fold: Fold) -> None:
    only_fully_written_lanes_answer(fold.state)
    reads_go_where_they_may(fold.state)
    lanes_are_sound(fold.state)
    a_rollback_puts_all_reads_on_the_source(fold)


def told(folded: Folded) -> tuple[Any, ...]:
    """All that a follower can be told of a record."""
    return (folded.offset, folded.at, folded.command, folded.verdict, folded.version)


def is_lawful(before: State, folded: Folded, after: State) -> None:
    if not isinstance(folded.verdict, Accepted):
        assert after == before
        return
    if isinstance(folded.command, Evidence):
        assert after.version == before.version
        assert after.stage is before.stage
        assert after.ramp == before.ramp
    assert before.version <= after.version <= folded.offset
    assert folded.version == after.version
    if not isinstance(folded.command, MigrationDefined):
        assert after.migration is before.migration
