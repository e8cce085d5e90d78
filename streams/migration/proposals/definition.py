"""Commands that say what the migration is, and whether it goes on by itself."""

from schemas import Autopilot, MigrationDefined, Stage
from streams.migration.proposals.proposal import Answer, Place, Proposal, no_lane, with_lane
from streams.migration.rules import Order
from streams.migration.state import Ramp, State
from streams.migration.verdicts import Rejected, Rejection, Unchanged
from streams.migration.writes import with_writes

__all__ = ["autopilot", "define"]


def define(state: State, command: MigrationDefined, at: Place) -> Answer:
    """Define the first migration, another policy for it, or the next one once it is over."""
    past = state.migration
    for lane in (command.source, command.target):
        if lane not in state.lanes:
            return no_lane(state, lane)
    effect = f"from {command.source} to {command.target}"
    if past is not None and _lanes(command) == _lanes(past):
        if command.policy == past.policy:
            return Unchanged(f"the migration goes {effect}")
        after = state._replace(migration=command)
        return Proposal(Order.MIGRATION, f"{effect}, by another policy", after)
    if past is None:
        state = _trusted(state, command)
    elif (why := _why_not(state, past, command)) is not None:
        return Rejected(Rejection.FORBIDDEN, why)
    return Proposal(Order.MIGRATION, effect, _begin(state, command, at))


def _lanes(command: MigrationDefined) -> tuple[str, str, str]:
    return command.source, command.target, command.salt


def _why_not(state: State, past: MigrationDefined, command: MigrationDefined) -> str | None:
    """Why the next migration can not begin here."""
    if state.stage is not Stage.OFF and not state.retired:
        return f"the stage is {state.stage}: go back to off first"
    reading = past.target if state.retired else past.source
    return None if command.source == reading else f"reads are on {reading}: it must be the source"


def _begin(state: State, command: MigrationDefined, at: Place) -> State:
    begun = state._replace(
        migration=command,
        defined_at=at.offset,
        stage=Stage.OFF,
        stage_since=at.time,
        ramp=Ramp(),
        retired=False,
        autopilot=False,
    )
    return with_writes(begun, at.offset)


def _trusted(state: State, command: MigrationDefined) -> State:
    """The first source is proven by word: what serves today is the measure of the migration."""
    source = state.lanes[command.source]
    builds = {**source.builds, source.serving: source.build._replace(proven=True)}
    return with_lane(state, command.source, source._replace(builds=builds))


def autopilot(state: State, command: Autopilot, _at: Place) -> Answer:
    """Switch it on or off, or give it another plan."""
    plan = state.plan if command.plan is None else tuple(command.plan)
    switch = "on" if command.on else "off"
    if (command.on, plan) == (state.autopilot, state.plan):
        return Unchanged(f"the autopilot is {switch}")
    effect = f"autopilot {switch}: " + ", ".join(f"{percent:g} %" for percent in plan)
    return Proposal(Order.AUTOPILOT, effect, state._replace(autopilot=command.on, plan=plan))
