"""States and commands in words: every kind has some, and every effect shows."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas import (
    Autopilot,
    BuildDropped,
    BuildPromoted,
    ControlRecord,
    FlagSet,
    GateEvidence,
    GateVerdict,
    Health,
    HealthEvidence,
    Pause,
    PreflightEvidence,
    PreflightVerdict,
    RampSet,
    Reopen,
    Resume,
    Retire,
    Rollback,
    SourceTruncated,
    Stage,
    StageSet,
    Throttle,
)
from streams.migration.state import State
from streams.migration.verdicts import Accepted
from streams.services.command_words import in_words
from streams.services.control import ControlLog
from streams.services.orders import order
from streams.services.state_words import differences, reads_in_words, shares
from tests.unit.services.control_world import control_log, live, migration, verified

BY: dict[str, Any] = {"id": "1", "by": "ann"}
SAID: list[tuple[Any, str]] = [
    (StageSet(to=Stage.LIVE, **BY), "stage live"),
    (RampSet(percent=10, **BY), "ramp 10 %"),
    (RampSet(percent=0.5, cohorts=["b", "a"], **BY), "ramp 0.5 % and cohorts a, b"),
    (RampSet(cohorts=[], **BY), "ramp no cohorts"),
    (Rollback(to=Stage.OFF, **BY), "rollback to off"),
    (FlagSet(value=True, **BY), "flag true"),
    (FlagSet(value=False, **BY), "flag false"),
    (FlagSet(value=1, **BY), "flag 1 %"),
    (Pause(lane="a", **BY), "pause a"),
    (Resume(lane="a", **BY), "resume a"),
    (Throttle(lane="a", documents_per_second=2.5, **BY), "throttle a 2.5 documents/s"),
    (Throttle(lane="a", documents_per_second=None, **BY), "throttle a off"),
    (migration()[0], "build start cloud/1"),
    (BuildPromoted(lane="a", build=2, **BY), "build promote a/2"),
    (BuildDropped(lane="a", build=1, **BY), "build drop a/1"),
    (Autopilot(on=False, **BY), "autopilot off"),
    (Autopilot(on=True, plan=[5, 50], **BY), "autopilot on: 5 %, 50 %"),
    (Reopen(**BY), "reopen"),
    (Retire(lane="a", **BY), "retire a"),
    (migration()[-1], "migration from cloud to ollama"),
    (SourceTruncated(source="s", position="7", **BY), "truncate s at 7"),
    (PreflightEvidence(as_of=1, verdict=PreflightVerdict.WARN, **BY), "preflight: warn"),
    (verified(as_of=1), "verify ollama/1: clean"),
    (GateEvidence(as_of=1, verdict=GateVerdict.FAILED, **BY), "gate: failed"),
    (
        HealthEvidence(as_of=1, verdict=Health.HEALTHY, samples=1200, **BY),
        "health: healthy, 1,200 reads",
    ),
]


@pytest.mark.parametrize(("command", "said"), SAID)
def test_a_record_in_words_begins_with_its_kind(command, said):
    assert in_words(command) == said
    assert said.startswith(command.kind)


def test_the_words_cover_every_kind():
    schema = TypeAdapter(ControlRecord).json_schema()
    assert {command.kind for command, _ in SAID} == set(schema["discriminator"]["mapping"])


async def walked(*commands) -> tuple[State, ...]:
    """The states after stage live and then after each command; all are accepted."""
    control = ControlLog(await control_log([*migration(), *live()]), "control")
    states = [await control.refresh()]
    for number, command in enumerate(commands):
        given = command.model_copy(update={"id": f"given-{number}", "force": True, "reason": "r"})
        outcome = await order(control, given)
        assert isinstance(outcome.folded.verdict, Accepted), outcome.folded.verdict
        states.append(control.state)
    return tuple(states)


@pytest.mark.parametrize(
    ("percent", "cohorts", "words", "share"),
    [
        (0, [], "cloud 100 %", 0.0),
        (5, [], "cloud 95 %, ollama 5 %", 5.0),
        (0, ["staff"], "cloud 100 %, ollama 0 % and cohort staff", 0.0),
        (5, ["b", "a"], "cloud 95 %, ollama 5 % and cohorts a, b", 5.0),
        (100, ["a"], "ollama 100 %", 100.0),
    ],
)
async def test_who_reads_where_is_said_with_shares_and_cohorts(percent, cohorts, words, share):
    moves = [RampSet(percent=percent, cohorts=cohorts, **BY)] if percent or cohorts else []
    state = (await walked(*moves))[-1]
    assert reads_in_words(state) == words
    assert shares(state) == {"cloud": 100 - share, "ollama": share}


def test_without_a_migration_nobody_reads_anywhere():
    assert reads_in_words(State()) == "none"
    assert shares(State()) == {}


@pytest.mark.parametrize(
    ("command", "what", "after"),
    [
        (StageSet(to=Stage.SHADOW, **BY), "stage", "shadow"),
        (StageSet(to=Stage.OFF, **BY), "ollama verified since its writes began", "no"),
        (StageSet(to=Stage.DUALWRITE, **BY), "mirrored reads", "no"),
        (RampSet(percent=5, **BY), "reads", "cloud 95 %, ollama 5 %"),
        (RampSet(cohorts=["a"], **BY), "cohorts", "a"),
        (Pause(lane="ollama", **BY), "ollama paused", "by ann: r"),
        (
            Throttle(lane="cloud", documents_per_second=3, **BY),
            "throttle of cloud",
            "3 documents/s",
        ),
        (Autopilot(on=True, plan=[5, 50], **BY), "autopilot's plan", "5 %, 50 %"),
        (Autopilot(on=True, **BY), "autopilot", "on"),
        (
            migration()[0].model_copy(update={"build": 2, "lane": "ollama"}),
            "builds of ollama",
            "1 (serves), 2",
        ),
    ],
)
async def test_every_effect_of_an_order_shows_among_the_differences(command, what, after):
    before, now = await walked(command)
    changes = {change.what: change.after for change in differences(before, now)}
    assert changes[what] == after


async def test_equal_states_differ_in_nothing():
    (state,) = await walked()
    assert differences(state, state) == ()
