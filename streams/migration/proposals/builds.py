"""Commands that begin, promote and drop a build of a lane."""

from schemas import BuildDropped, BuildPromoted, BuildStarted
from streams.migration.proposals.proposal import Answer, Place, Proposal, no_lane, with_lane
from streams.migration.rules import Order
from streams.migration.state import Build, LaneState, State, verify_key
from streams.migration.verdicts import Rejected, Rejection, Unchanged
from streams.migration.writes import is_written

__all__ = ["drop", "promote", "start"]


def start(state: State, command: BuildStarted, at: Place) -> Answer:
    """Begin a build. A lane's first one serves at once; a number is never used twice."""
    name, number = command.lane, command.build
    lane, effect = state.lanes.get(name), f"build {number} of {name} began"
    build = Build(command, at.offset)
    if lane is None:
        written = at.offset if is_written(state, name) else None
        serves = {number: build._replace(served=True)}
        first = LaneState(serves, number, number, at.offset, written_from=written)
        after = with_lane(state, name, first)
        return Proposal(Order.BUILD_START, f"{effect} and serves", after, name)
    if number <= lane.newest:
        return Unchanged(f"{effect} before: the first one counts")
    more = lane._replace(builds={**lane.builds, number: build}, newest=number)
    return Proposal(Order.BUILD_START, effect, with_lane(state, name, more), name)


def promote(state: State, command: BuildPromoted, at: Place) -> Answer:
    """Read the lane from this build."""
    name, number = command.lane, command.build
    lane = state.lanes.get(name)
    if lane is None:
        return no_lane(state, name)
    if number not in lane.builds:
        return Rejected(Rejection.FORBIDDEN, f"lane {name} has no build {number}")
    if number == lane.serving:
        return Unchanged(f"build {number} serves")
    build = lane.builds[number]
    # The way back asks for no new evidence; but a build with differences is none.
    order = Order.BUILD_RETURN if build.served else Order.BUILD_PROMOTE
    builds = {**lane.builds, number: build._replace(served=True)}
    serves = lane._replace(builds=builds, serving=number, serves_from=at.offset)
    effect = f"build {number} of {name} serves"
    return Proposal(order, effect, with_lane(state, name, serves), name, number)


def drop(state: State, command: BuildDropped, _at: Place) -> Answer:
    """Give up a build that is not read, and what was found out about it."""
    name, number = command.lane, command.build
    lane = state.lanes.get(name)
    if lane is None:
        return no_lane(state, name)
    if number not in lane.builds:
        return Unchanged(f"lane {name} has no build {number}")
    if number == lane.serving:
        return Rejected(Rejection.FORBIDDEN, f"build {number} serves: promote another one first")
    left = {other: build for other, build in lane.builds.items() if other != number}
    gone = verify_key(name, number)
    evidence = {key: value for key, value in state.evidence.items() if key != gone}
    after = with_lane(state, name, lane._replace(builds=left))._replace(evidence=evidence)
    return Proposal(Order.BUILD_DROP, f"build {number} of {name} is given up", after, name)
