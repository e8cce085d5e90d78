"""Giving an order on the control log, or rehearsing it: what an operator's command does.

The fold decides; here its verdict is brought back, with what the order changed.
"""

from dataclasses import dataclass

from schemas import Command, FlagSet, Rollback, Stage, StageSet
from streams.core.records import LogRecord
from streams.errors import TransientError
from streams.migration.decide import decide
from streams.migration.fold import Folded
from streams.migration.proposals import Place
from streams.migration.state import State
from streams.migration.verdicts import Accepted, Held, Rejected, Rejection
from streams.services.control import ControlLog
from streams.services.state_words import Change, differences

__all__ = ["Outcome", "aimed", "opened", "order", "rehearse"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order, or would.

    Attributes:
        folded: the verdict, and where the record stands.
        before: the state that the record met.
        after: the state right after it, whatever came later.
        rehearsed: nothing was appended.
        overtaken_by: of an order that came too late: what was obeyed instead, if still known.
    """

    folded: Folded
    before: State
    after: State
    rehearsed: bool = False
    overtaken_by: Folded | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What it changes, in words."""
        return differences(self.before, self.after)


def aimed(command: Command, state: State) -> Command:
    """The order for this state only, so that of two operators at once the slower one is told.

    The way back to the source lane must work in every state, and is left as it is.
    """
    is_way_back = isinstance(command, Rollback) or (
        isinstance(command, FlagSet) and command.value is False
    )
    if is_way_back or command.expected_version is not None:
        return command
    return command.model_copy(update={"expected_version": state.version})


async def order(control: ControlLog, command: Command) -> Outcome:
    """Append a command, and wait for what becomes of it.

    Raises: TransientError; whether the command was appended is not known then.
    """
    met = control.state
    around: dict[int, tuple[State, State]] = {}

    def note(folded: Folded) -> None:
        nonlocal met
        around[folded.offset] = (met, control.state)
        met = control.state

    end_listening = control.listen(note)
    try:
        folded = await control.append(command)
    except TransientError as error:
        raise TransientError(
            f"{error}\n  whether the record stands in the control log is not known: look at"
            " `hotswap history`, or send it again"
        ) from error
    finally:
        end_listening()
    before, after = around[folded.offset]
    return Outcome(folded, before, after, overtaken_by=_overtaker(control, folded))


def rehearse(control: ControlLog, command: Command, now_ms: int) -> Outcome:
    """What would become of a command if it were the next record. Appends nothing.

    Args:
        control: read to its end.
        command: the command.
        now_ms: what the broker's clock might say, ms since the epoch.
    """
    fold = control.fold.copy()
    before = fold.state
    record = LogRecord(
        topic="",
        partition=0,
        offset=fold.offset + 1,
        key=None,
        value=control.encoded(command),
        timestamp=max(fold.time, now_ms),
    )
    folded = fold.take(record)
    overtaken_by = _overtaker(control, folded)
    return Outcome(folded, before, fold.state, rehearsed=True, overtaken_by=overtaken_by)


def _overtaker(control: ControlLog, folded: Folded) -> Folded | None:
    verdict = folded.verdict
    if isinstance(verdict, Rejected) and verdict.rejection is Rejection.STALE:
        return control.folded(folded.version)
    return None


def opened(outcome: Outcome) -> tuple[str, ...]:
    """Which stages may be entered after this record that could not before, or the other way."""
    place = Place(outcome.folded.offset + 1, outcome.folded.at)
    entered, said = [], []
    for stage in Stage:
        step = StageSet(id="rehearsal", by="rehearsal", to=stage)
        before, after = (decide(state, step, place)[0] for state in (outcome.before, outcome.after))
        if isinstance(before, Held) and isinstance(after, Accepted):
            entered.append(stage)
        elif isinstance(before, Held) and isinstance(after, Held):
            if gone := set(before.guards) - set(after.guards):
                said.append(
                    f"stage {stage} waits no longer for {', '.join(sorted(gone))}, but still for"
                    f" {', '.join(after.guards)}"
                )
        elif isinstance(before, Accepted) and isinstance(after, Held):
            said.append(f"stage {stage} may not be entered any more: {after.why}")
    if entered:
        many = "s" if len(entered) > 1 else ""
        said.append(f"stage{many} {', '.join(entered)} may be entered now")
    return tuple(said)
