"""One evaluation in OpenFeature's words: a pure function of the flag and of who asks.

https://openfeature.dev/specification/types#resolution-details
"""

from typing import TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason

from schemas import FLAG
from streams.core.routing import route
from streams.services.serving.control_view import ControlView

__all__ = ["COHORT", "resolve", "unknown"]

COHORT = "cohort"
"""The attribute of the evaluation context that names a group which the asker is of."""

Value = TypeVar("Value")


def resolve(
    control: ControlView | None, context: EvaluationContext | None, *, default: bool
) -> FlagResolutionDetails[bool]:
    """`useLocalEmbeddings` for who asks; the default with an error code if it is not known.

    A flag that is out of date answers as before. That it is shows in the provider's status.
    """
    if control is None or not control.folded():
        problem = control.problem() if control else None
        code = ErrorCode.PROVIDER_FATAL if problem else ErrorCode.PROVIDER_NOT_READY
        return _error(default, code, problem or "the control log was not read yet")
    routing = control.routing()
    if routing is None:
        why = "the control log defines no migration yet; run `hotswap init`"
        return _error(default, ErrorCode.FLAG_NOT_FOUND, why)
    context = context or EvaluationContext()
    # Types are promised by callers here, and checked by nobody.
    key: object = context.targeting_key
    cohort = context.attributes.get(COHORT)
    if not isinstance(key, str | None) or not isinstance(cohort, str | None):
        why = f"the targeting key and {COHORT} must be texts"
        return _error(default, ErrorCode.INVALID_CONTEXT, why)
    picked = route(routing, key, cohort)
    return FlagResolutionDetails(
        value=picked.uses_target,
        variant=picked.lane,
        reason=Reason(picked.reason),
        flag_metadata={"version": routing.version, "percent": routing.percent},
    )


def unknown(flag: str, default: Value) -> FlagResolutionDetails[Value]:
    """The answer to who asks for another flag, or for another type of this one."""
    if flag == FLAG:
        return _error(default, ErrorCode.TYPE_MISMATCH, f"{FLAG} is a boolean")
    return _error(default, ErrorCode.FLAG_NOT_FOUND, f"the only flag here is {FLAG}")


def _error(default: Value, code: ErrorCode, why: str) -> FlagResolutionDetails[Value]:
    return FlagResolutionDetails(
        value=default, reason=Reason.ERROR, error_code=code, error_message=why
    )
