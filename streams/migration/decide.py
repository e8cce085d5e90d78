"""One command against one state: the verdict, and the state after it.

What the command would do is proposed by `proposals`; here it is judged: by the table
(`rules`), and by the guards of its cell (`guards`). Pure: offset and time are those of the
record in the log.
"""

from schemas import ControlRecord
from streams.migration.guards import GUARDS
from streams.migration.proposals import Place, Proposal, propose
from streams.migration.rules import TABLE, Effect, Order
from streams.migration.situation import Hold, Situation
from streams.migration.state import State
from streams.migration.verdicts import (
    Accepted,
    Guard,
    Held,
    Rejected,
    Rejection,
    Unchanged,
    Verdict,
)

__all__ = ["decide"]

_NEED_NO_MIGRATION = frozenset(
    {
        Order.PAUSE,
        Order.RESUME,
        Order.THROTTLE,
        Order.BUILD_START,
        Order.BUILD_PROMOTE,
        Order.BUILD_RETURN,
        Order.BUILD_DROP,
        Order.MIGRATION,
    }
)


def decide(state: State, command: ControlRecord, at: Place) -> tuple[Verdict, State]:
    """The verdict on a command, and the state after it.

    Args:
        state: before it.
        command: what the record says.
        at: where the record stands in the log.
    """
    proposal = propose(state, command, at)
    if not isinstance(proposal, Proposal):
        return proposal, state
    if proposal.order is None:
        return Accepted(proposal.effect), proposal.state
    if state.migration is None and proposal.order not in _NEED_NO_MIGRATION:
        why = "no migration is defined: run `hotswap init`"
        return Rejected(Rejection.UNDEFINED, why), state
    rule = TABLE[state.stage][proposal.order]
    if rule.effect is not Effect.PASS:
        already = rule.effect is Effect.ALREADY
        return Unchanged(rule.why) if already else Rejected(Rejection.FORBIDDEN, rule.why), state
    holds = _holds(state, proposal, rule.guards, at.time) if rule.guards else {}
    if not holds or (command.force and all(hold.forcible for hold in holds.values())):
        accepted = Accepted(proposal.effect, tuple(holds))
        return accepted, State(at.offset, *proposal.state[1:])
    return _held(state, proposal, holds), state


def _holds(
    state: State, proposal: Proposal, guards: tuple[Guard, ...], now: int
) -> dict[Guard, Hold]:
    """The guards that do not let pass, each with its reason."""
    holds: dict[Guard, Hold] = {}
    usual = Situation.of(state, now, _lane(state, proposal), proposal.build)
    for guard in guards:
        rule = GUARDS[guard]
        on = Situation.of(state, now, _source(state), None) if rule.of_source else usual
        hold = rule.holds(on)
        if hold is not None:
            holds[guard] = hold
    return holds


def _lane(state: State, proposal: Proposal) -> str:
    """The lane that guards are about: the order's own, or the target."""
    if state.migration is None or proposal.lane is not None:
        return proposal.lane or ""
    return state.migration.target


def _source(state: State) -> str:
    return "" if state.migration is None else state.migration.source


def _held(state: State, proposal: Proposal, holds: dict[Guard, Hold]) -> Held:
    """Names the first guard: a rule begins with those that `force` can not override."""
    guard = next(iter(holds))
    lane = _source(state) if GUARDS[guard].of_source else _lane(state, proposal)
    known = state.lanes.get(lane)
    if proposal.build is not None and known is not None and proposal.build != known.serving:
        lane = f"{lane} --build {proposal.build}"
    return Held(
        guard=guard,
        why=holds[guard].why,
        remedy=GUARDS[guard].remedy.format(lane=lane),
        forcible=all(hold.forcible for hold in holds.values()),
        guards=tuple(holds),
    )
