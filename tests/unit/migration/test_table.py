"""The whole table of the migration, written down a second time and by hand.

.  goes through      =  is so already      x  never
p  proven            P  preflight          V  verified      G  gate
H  healthy           F  full               h  full-hold     S  safety
T  retire-hold       s  source-proven      r  running       u  unread
"""

from collections.abc import Iterator
from typing import Any

import pytest

from schemas import Stage
from streams.migration.rules import TABLE, Effect, Order, Rule
from streams.migration.verdicts import Accepted, Guard, Held, Rejected, Rejection, Unchanged
from tests.unit.migration.log import DAY, WEEK, Log, walked

MATRIX = """
                   off  dualwrite  shadow  live  rampdown  complete
    stage off       =       .         .      .       .        s
    stage dualwrite P       =         .      .       .        s
    stage shadow    x      prV        =      .       .        s
    stage live      x       x        prG     =       .        s
    stage rampdown  x       x         x    prFh      =        s
    stage complete  x       x         x      x     prSV       =
    ramp up         x       x         x     prH      =        =
    ramp down       x       x         x      .       x        x
    rollback        =       .         .      .       .        s
    reopen          =       =         =      =       =        .
    retire          x       x         x      x       x       prTV
    pause           u       u         u      u       u        u
    resume          .       .         .      .       .        .
    throttle        .       .         .      .       .        .
    build start     .       .         .      .       .        .
    build promote  pV      pV        pV     pV      pV       pV
    build return    p       p         p      p       p        p
    build drop      .       .         .      .       .        .
    autopilot       .       .         .      .       .        .
    migration       .       .         .      .       .        .
"""

LETTERS = {
    "p": Guard.PROVEN,
    "P": Guard.PREFLIGHT,
    "V": Guard.VERIFIED,
    "G": Guard.GATE,
    "H": Guard.HEALTHY,
    "F": Guard.FULL,
    "h": Guard.FULL_HOLD,
    "S": Guard.SAFETY,
    "T": Guard.RETIRE_HOLD,
    "s": Guard.SOURCE_PROVEN,
    "r": Guard.RUNNING,
    "u": Guard.UNREAD,
}
NOT_FORCIBLE = {Guard.PROVEN, Guard.FULL, Guard.SOURCE_PROVEN, Guard.RUNNING}


def cells() -> Iterator[tuple[Order, Stage, str]]:
    for row in MATRIX.strip().splitlines()[1:]:
        *words, off, dualwrite, shadow, live, rampdown, complete = row.split()
        marks = (off, dualwrite, shadow, live, rampdown, complete)
        for stage, mark in zip(Stage, marks, strict=True):
            yield Order(" ".join(words)), stage, mark


CELLS = list(cells())


def cells_marked(marks: str) -> Any:
    """Parameters: the cells that hold one of these marks."""
    found = [cell for cell in CELLS if set(cell[2]) & set(marks)]
    assert found
    return pytest.mark.parametrize(
        ("order", "stage"),
        [(order, stage) for order, stage, _ in found],
        ids=[f"{order}-{stage}" for order, stage, _ in found],
    )


def command(order: Order, stage: Stage) -> dict[str, Any]:
    """A command that is this order in this stage, and would change something."""
    read = "ollama" if stage is Stage.COMPLETE else "cloud"
    word, _, rest = order.partition(" ")
    given: dict[Order, dict[str, Any]] = {
        Order.RAMP_UP: {"percent": 100},
        Order.RAMP_DOWN: {"percent": 1, "cohorts": []},
        Order.RETIRE: {"lane": "cloud"},
        Order.ROLLBACK: {"to": "off"},
        Order.PAUSE: {"lane": read},
        Order.RESUME: {"lane": read},
        Order.THROTTLE: {"lane": read, "documents_per_second": 7.5},
        Order.BUILD_START: {
            "action": "start",
            "lane": read,
            "build": 9,
            "collection": "c",
            "fingerprint": {"provider": "memory", "model": "m", "dimensions": 8},
            "documents_partitions": 12,
        },
        Order.BUILD_PROMOTE: {"action": "promote", "lane": read, "build": 2},
        Order.BUILD_RETURN: {"action": "promote", "lane": read, "build": 2},
        Order.BUILD_DROP: {"action": "drop", "lane": read, "build": 2},
        Order.AUTOPILOT: {"on": True},
        Order.MIGRATION: {
            "source": "cloud",
            "target": "ollama",
            "salt": "salt",
            "policy": {"health_samples": 3},
        },
    }
    if word == "stage":
        return {"kind": "stage", "to": rest}
    return {"kind": word, **given.get(order, {})}


def bare(order: Order, stage: Stage) -> Log:
    """The stage with nothing that any guard asks for."""
    log = walked(stage, percent=5 if stage is Stage.LIVE else 100)
    if stage is Stage.LIVE:
        log.accept("ramp", percent=5, cohorts=["staff"], force=True, reason="test")
    for lane in ("cloud", "ollama"):
        log.start(lane, 2)
    state = log.state
    lanes = dict(state.lanes)
    for name, known in lanes.items():
        returns = order is Order.BUILD_RETURN
        builds = {
            number: build._replace(proven=False, served=returns or build.served)
            for number, build in known.builds.items()
        }
        paused = None if order is Order.PAUSE else "by desk"
        lanes[name] = known._replace(builds=builds, paused=paused)
    fresh = state.ramp._replace(since=log.now)
    log.fold.state = state._replace(
        lanes=lanes,
        evidence={},
        stage_since=log.now,
        ramp=fresh if state.ramp.percent else state.ramp,
    )
    return log


def ready(order: Order, stage: Stage) -> Log:
    """The stage with everything that any guard asks for."""
    log = walked(stage)
    if order is Order.RAMP_UP and stage is Stage.LIVE:
        log.accept("ramp", percent=50)
    if stage is Stage.COMPLETE and order is not Order.REOPEN:
        log.accept("reopen")
    for lane in ("cloud", "ollama"):
        log.start(lane, 2)
    log.wait(WEEK + DAY)
    log.accept("preflight", verdict="pass")
    log.accept("gate", verdict="successful")
    for lane in ("cloud", "ollama"):
        for build in (1, 2):
            log.verify(lane, build)
    log.health()
    if order is Order.BUILD_RETURN:
        for build in (2, 1):
            promoted = command(Order.BUILD_PROMOTE, stage) | {"build": build}
            log.accept(**promoted)
    if order is Order.RESUME:
        log.accept("pause", lane=command(order, stage)["lane"], force=True, reason="test")
    return log


def test_the_table_is_as_it_was_written_by_hand():
    for order, stage, mark in CELLS:
        rule = TABLE[stage][order]
        if mark in "=x":
            assert rule.effect is (Effect.ALREADY if mark == "=" else Effect.NEVER), (order, stage)
            assert rule.why
            assert not rule.guards
        else:
            guards = tuple(LETTERS[letter] for letter in mark if mark != ".")
            assert rule == Rule(guards=guards), (order, stage)


def test_the_table_has_a_rule_for_every_order_in_every_stage_and_no_other():
    assert {(order, stage) for order, stage, _ in CELLS} == {
        (order, stage) for stage in TABLE for order in TABLE[stage]
    }
    assert len(CELLS) == len(Order) * len(Stage)
    assert {
        guard for row in TABLE.values() for rule in row.values() for guard in rule.guards
    } == set(Guard)


def test_guards_that_force_can_not_override_stand_first():
    for row in TABLE.values():
        for rule in row.values():
            firm = [guard in NOT_FORCIBLE for guard in rule.guards]
            assert firm == sorted(firm, reverse=True)


@cells_marked("=")
def test_what_is_so_already_stays_unchanged(order, stage):
    for log in (bare(order, stage), ready(Order.REOPEN, stage)):
        before = log.state
        assert isinstance(log.verdict(**command(order, stage)), Unchanged)
        forced = command(order, stage) | {"force": True, "reason": "test"}
        assert isinstance(log.verdict(**forced), Unchanged)
        assert log.state == before


@cells_marked("x")
def test_what_is_never_possible_is_rejected_however_good_the_evidence_is(order, stage):
    for log in (bare(order, stage), ready(order, stage)):
        before = log.state
        for force in (False, True):
            verdict = log.verdict(**command(order, stage), force=force, reason="test")
            assert isinstance(verdict, Rejected)
            assert verdict.rejection is Rejection.FORBIDDEN
            assert verdict.why
        assert log.state == before


@cells_marked(".pPVGHFhSTsr")
def test_an_order_goes_through_once_its_guards_are_content(order, stage):
    log = ready(order, stage)
    verdict = log.verdict(**command(order, stage))
    assert isinstance(verdict, Accepted), verdict
    assert verdict.overridden == ()
    assert log.state.version == len(log.records) - 1


@cells_marked(".")
def test_what_has_no_guard_needs_nothing(order, stage):
    verdict = bare(order, stage).verdict(**command(order, stage))
    assert isinstance(verdict, Accepted), verdict
    assert verdict.overridden == ()


@cells_marked("pPVGHFhSTsru")
def test_every_guard_of_a_cell_holds_and_force_overrides_only_what_it_may(order, stage):
    guards = TABLE[stage][order].guards  # as written by hand: see the first test
    log = bare(order, stage)
    before = log.state
    held = log.verdict(**command(order, stage))
    assert isinstance(held, Held), held
    assert held.guards == guards
    assert held.guard is guards[0]
    assert held.why
    assert held.remedy
    firm = [guard for guard in guards if guard in NOT_FORCIBLE]
    assert held.forcible is not bool(firm)
    assert log.state == before

    forced = log.verdict(**command(order, stage), force=True, reason="test")
    if firm:
        assert isinstance(forced, Held), forced
        assert forced.guard is firm[0]
        assert log.state == before
    else:
        assert isinstance(forced, Accepted), forced
        assert forced.overridden == guards
        assert log.state.version == len(log.records) - 1
