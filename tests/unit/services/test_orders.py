"""What an order changed, who was faster, and what a rehearsal leaves behind: nothing."""

from typing import Any

import pytest

from schemas import FlagSet, Pause, RampSet, Rollback, Stage, StageSet, Throttle
from streams.adapters.memory_log import MemoryLog
from streams.errors import TransientError
from streams.migration.signing import Keyring
from streams.migration.verdicts import Accepted, Held, Rejected, Rejection
from streams.services.control import ControlLog
from streams.services.orders import aimed, opened, order, rehearse
from streams.services.state_words import Change
from tests.unit.services.control_world import KEY, control_log, live, migration, send, verified

GIVEN: dict[str, Any] = {"by": "ann", "reason": "a test", "force": True}


@pytest.fixture
async def log() -> MemoryLog:
    """A control log with a migration in stage off."""
    return await control_log(migration())


async def read(log: MemoryLog, keys: tuple[bytes, ...] = ()) -> ControlLog:
    control = ControlLog(log, "control", Keyring(keys))
    await control.refresh()
    return control


async def test_an_order_brings_its_verdict_and_what_it_changed(log):
    outcome = await order(await read(log), StageSet(id="1", to=Stage.DUALWRITE, **GIVEN))
    assert isinstance(outcome.folded.verdict, Accepted)
    assert outcome.changes == (
        Change("stage", "off", "dualwrite"),
        Change("writes of ollama", "off", "on"),
    )
    assert not outcome.rehearsed


async def test_the_changes_are_those_of_the_order_alone_and_not_of_others_around_it(log):
    for command in live():
        await send(log, command)
    control = await read(log)
    await send(log, RampSet(id="other", percent=50, **GIVEN))
    append = log.append

    async def append_and_lose_the_race_after(records):
        places = await append(records)
        log.append = append
        await send(log, Throttle(id="later", by="bob", lane="cloud", documents_per_second=1))
        return places

    log.append = append_and_lose_the_race_after
    outcome = await order(control, Rollback(id="back", by="ann"))
    assert {change.what: change.before for change in outcome.changes} == {
        "stage": "live",
        "reads": "cloud 50 %, ollama 50 %",
        "ramp": "50 %",
    }
    assert control.state.lanes["cloud"].documents_per_second == 1


async def test_an_order_for_an_older_state_is_told_who_was_faster(log):
    control = await read(log)
    mine = aimed(StageSet(id="mine", to=Stage.DUALWRITE, **GIVEN), control.state)
    await send(log, Pause(id="theirs", by="bob", reason="disk", lane="ollama"))
    outcome = await order(control, mine)
    assert isinstance(outcome.folded.verdict, Rejected)
    assert outcome.folded.verdict.rejection is Rejection.STALE
    assert outcome.overtaken_by is not None
    assert outcome.overtaken_by.command is not None
    assert outcome.overtaken_by.command.id == "theirs"
    assert outcome.changes == ()


async def test_evidence_that_comes_in_between_does_not_make_an_order_too_late(log):
    control = await read(log)
    mine = aimed(StageSet(id="mine", to=Stage.DUALWRITE, **GIVEN), control.state)
    await send(log, verified(as_of=2))
    assert isinstance((await order(control, mine)).folded.verdict, Accepted)


@pytest.mark.parametrize(
    "command", [Rollback(id="1", by="ann"), FlagSet(id="1", by="ann", value=False)]
)
async def test_the_way_back_is_meant_for_every_state(log, command):
    assert aimed(command, (await read(log)).state).expected_version is None


@pytest.mark.parametrize(
    "command",
    [
        StageSet(id="1", by="ann", to=Stage.OFF),
        FlagSet(id="1", by="ann", value=True),
        FlagSet(id="1", by="ann", value=0.0),
        RampSet(id="1", by="ann", percent=0),
    ],
)
async def test_every_other_order_is_meant_for_the_state_that_was_seen(log, command):
    state = (await read(log)).state
    assert aimed(command, state).expected_version == state.version
    by_hand = command.model_copy(update={"expected_version": 0})
    assert aimed(by_hand, state).expected_version == 0


async def test_a_rehearsal_says_what_the_order_would_and_appends_nothing(log):
    control = await read(log)
    command = StageSet(id="1", to=Stage.DUALWRITE, **GIVEN)
    ends, state = await log.ends("control"), control.state
    would = rehearse(control, command, now_ms=0)
    assert await log.ends("control") == ends
    assert control.state == state
    did = await order(control, command)
    assert would.rehearsed
    assert would.folded.verdict == did.folded.verdict
    assert would.folded.offset == did.folded.offset
    assert would.changes == did.changes


async def test_a_rehearsal_goes_by_the_later_of_the_two_clocks(log):
    control = await read(log)
    late = StageSet(id="1", to=Stage.DUALWRITE, expires_at=control.fold.time + 5, **GIVEN)
    in_time = rehearse(control, late, now_ms=0).folded.verdict
    too_late = rehearse(control, late, now_ms=control.fold.time + 6).folded.verdict
    assert isinstance(in_time, Accepted)
    assert isinstance(too_late, Rejected)
    assert too_late.rejection is Rejection.EXPIRED


async def test_a_rehearsal_is_signed_like_the_order_would_be():
    log = await control_log(migration(), key=KEY)
    control = await read(log, (KEY,))
    outcome = rehearse(control, StageSet(id="1", to=Stage.DUALWRITE, **GIVEN), now_ms=0)
    assert isinstance(outcome.folded.verdict, Accepted)


async def test_if_kafka_is_lost_meanwhile_nobody_is_told_that_nothing_happened(log):
    control = await read(log)

    async def lost(_records):
        raise TransientError("Kafka is away")

    log.append = lost
    with pytest.raises(TransientError, match=r"Kafka is away\n.* is not known: look at `hotswap"):
        await order(control, Rollback(id="1", by="ann"))


async def test_a_clean_verify_opens_the_stage_that_waited_for_it(log):
    await send(log, StageSet(id="1", to=Stage.DUALWRITE, **GIVEN))
    control = await read(log)
    outcome = await order(control, verified(as_of=control.fold.offset))
    assert opened(outcome) == ("stage shadow may be entered now",)


async def test_a_stage_that_waits_for_more_is_said_to(log):
    paused = Pause(id="2", by="bob", reason="disk", lane="ollama")
    for command in (StageSet(id="1", to=Stage.DUALWRITE, **GIVEN), paused):
        await send(log, command)
    control = await read(log)
    outcome = await order(control, verified(as_of=control.fold.offset))
    assert opened(outcome) == (
        "stage shadow waits no longer for proven, verified, but still for running",
    )


async def test_a_verify_with_differences_closes_what_was_open(log):
    await send(log, StageSet(id="1", to=Stage.DUALWRITE, **GIVEN))
    control = await read(log)
    await order(control, verified(as_of=control.fold.offset))
    outcome = await order(control, verified(as_of=control.fold.offset, verdict="different"))
    (said,) = opened(outcome)
    assert said.startswith("stage shadow may not be entered any more: ")
    held = rehearse(control, StageSet(id="2", to=Stage.SHADOW, **GIVEN), 0).folded.verdict
    assert isinstance(held, Held)
