"""Records of what was found out: evidence, and truncates. No stage stands against them."""

from schemas import SourceTruncated, VerifyEvidence
from schemas.verify import Verdict
from streams.core.envelope import is_older
from streams.migration.proposals.proposal import Answer, Place, Proposal, no_lane, with_lane
from streams.migration.state import AnyEvidence, Recorded, State, evidence_key
from streams.migration.verdicts import Rejected, Rejection, Unchanged

__all__ = ["record", "truncate"]


def truncate(state: State, command: SourceTruncated, _at: Place) -> Answer:
    """Remember the newest truncate of a source."""
    if is_older(command.position, state.truncated.get(command.source, "")):
        return Unchanged(f"a later truncate of {command.source} is known")
    truncated = {**state.truncated, command.source: command.position}
    effect = f"{command.source} was truncated"
    return Proposal(None, effect, state._replace(truncated=truncated))


def record(state: State, evidence: AnyEvidence, at: Place) -> Answer:
    """Keep evidence, unless what is kept knew more of the log than it does."""
    if evidence.as_of >= at.offset:
        return Rejected(Rejection.FORBIDDEN, "knows of records that came after it")
    if isinstance(evidence, VerifyEvidence):
        answer = _verified(state, evidence)
        if isinstance(answer, Rejected):
            return answer
        state = answer
    key = evidence_key(evidence)
    kept = state.evidence.get(key)
    if kept is not None and evidence.as_of < kept.evidence.as_of:
        return Unchanged(f"the {evidence.kind} that is known looked later")
    recorded = {**state.evidence, key: Recorded(evidence, at.offset, at.time)}
    return Proposal(None, f"{evidence.kind}: {evidence.verdict}", state._replace(evidence=recorded))


def _verified(state: State, evidence: VerifyEvidence) -> State | Rejected:
    """The state with the build proven, if this verify proves it."""
    name, number = evidence.lane, evidence.build
    lane = state.lanes.get(name)
    if lane is None:
        return no_lane(state, name)
    build = lane.builds.get(number)
    if build is None:
        return Rejected(Rejection.FORBIDDEN, f"lane {name} has no build {number}")
    is_after = lane.written_from is not None and evidence.as_of >= max(
        lane.written_from, build.since
    )
    if build.proven or evidence.verdict is not Verdict.CLEAN or not is_after:
        return state
    proven = {**lane.builds, number: build._replace(proven=True)}
    return with_lane(state, name, lane._replace(builds=proven))
