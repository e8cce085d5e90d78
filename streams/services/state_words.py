"""The state of the migration in words, and what differs between two states.

For people and for logs of what was done; decides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from streams.migration.reads import routing_of
from streams.migration.state import LaneState, State
from streams.migration.writes import is_written

__all__ = ["Change", "differences", "percent", "plan_in_words", "reads_in_words", "shares"]

_NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is another in a later state."""

    what: str
    before: str
    after: str


def differences(before: State, after: State) -> tuple[Change, ...]:
    """What is different in `after`, in the order in which an operator would ask for it."""
    past, present = dict(_facts(before)), dict(_facts(after))
    return tuple(
        Change(what, past.get(what, _NONE), present.get(what, _NONE))
        for what in {**past, **present}
        if past.get(what) != present.get(what)
    )


def shares(state: State) -> dict[str, float]:
    """Lane → per cent of the askers that read from it, cohorts apart; empty: no migration."""
    routing = routing_of(state)
    if routing is None:
        return {}
    return {routing.source: 100.0 - routing.percent, routing.target: routing.percent}


def reads_in_words(state: State) -> str:
    """Who reads where, such as `cloud 95 %, ollama 5 % and cohort staff`."""
    routing = routing_of(state)
    if routing is None:
        return _NONE
    cohorts = _cohorts(routing.cohorts)
    words = []
    for lane, share in shares(state).items():
        extra = cohorts if lane == routing.target and share < 100 else ""  # noqa: PLR2004 - per cent
        if share or extra:
            words.append(" and ".join(filter(None, (f"{lane} {percent(share)}", extra))))
    return ", ".join(words)


def percent(share: float) -> str:
    """Such as `5 %`."""
    return f"{share:g} %"


def plan_in_words(plan: tuple[float, ...]) -> str:
    """Such as `5 %, 10 %, 50 %`."""
    return ", ".join(map(percent, plan))


def _cohorts(names: frozenset[str]) -> str:
    if not names:
        return ""
    return f"cohort{'' if len(names) == 1 else 's'} {', '.join(sorted(names))}"


def _facts(state: State) -> Iterator[tuple[str, str]]:
    """Everything about a state that an order or evidence can change: what → how it is."""
    migration = state.migration
    if migration is not None:
        yield "migration", f"from {migration.source} to {migration.target}"
        yield "salt", migration.salt
        for name, value in migration.policy.model_dump().items():
            yield f"policy: {name}", f"{value:,}"
    yield "stage", state.stage
    yield "reads", reads_in_words(state)
    routing = routing_of(state)
    yield "mirrored reads", "yes" if routing is not None and routing.mirrored else "no"
    yield "ramp", percent(state.ramp.percent)
    yield "cohorts", ", ".join(sorted(state.ramp.cohorts)) or _NONE
    for name, lane in state.lanes.items():
        yield f"writes of {name}", "on" if is_written(state, name) else "off"
        yield from _facts_of(name, lane)
    yield "autopilot", "on" if state.autopilot else "off"
    yield "autopilot's plan", plan_in_words(state.plan)
    yield "source lane reopened", "yes" if state.reopened else "no"
    yield "source lane retired", "yes" if state.retired else "no"
    for name, recorded in state.evidence.items():
        yield f"evidence {name}", recorded.evidence.verdict


def _facts_of(name: str, lane: LaneState) -> Iterator[tuple[str, str]]:
    yield f"{name} verified since its writes began", "yes" if lane.build.proven else "no"
    yield f"{name} paused", _NONE if lane.paused is None else lane.paused
    rate = lane.documents_per_second
    yield f"throttle of {name}", _NONE if rate is None else f"{rate:g} documents/s"
    builds = (
        f"{number} (serves)" if number == lane.serving else f"{number}" for number in lane.builds
    )
    yield f"builds of {name}", ", ".join(builds)
