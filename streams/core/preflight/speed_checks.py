"""Whether queries and odd texts get through a lane in time."""

from schemas.preflight import CheckResult
from streams.core.estimate import fitting_call_inputs
from streams.core.preflight.facts import Unreachable
from streams.core.preflight.probe_facts import ProbeFacts
from streams.core.preflight.results import fail, ok, unreachable, warn

__all__ = ["SPEED_CHECKS"]

_SLOWER = 5.0
"""Times that a long word may take of what prose of the same size takes."""
_SLOW_SECONDS = 1.0


def long_word(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether one very long word holds the lane up."""
    # Ollama's tokenizer takes about cubic time in the length of a word.
    area, check, fact = f"lane {lane}", "longest word", probes.long_word
    if isinstance(fact, Unreachable):
        remedy = (
            f"lower lanes.{lane}.text_budget_bytes: a document with such a word would be tried"
            " again for ever"
        )
        return fail(area, check, fact.error, remedy)
    seen = (
        f"{fact.bytes:,} bytes without a blank: {fact.word_seconds:.2f} s, prose"
        f" {fact.prose_seconds:.2f} s"
    )
    remedy = f"lower lanes.{lane}.text_budget_bytes if you have words like that"
    slow = fact.word_seconds > max(_SLOW_SECONDS, _SLOWER * fact.prose_seconds)
    if fact.refused is not None:
        then = f"refused ({fact.refused.why}), so a document with it becomes a dead letter"
        return warn(area, check, f"{seen}; {then}", remedy)
    return warn(area, check, seen, remedy) if slow else ok(area, check, seen)


def latency(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether a query that comes during a call of documents is answered before its deadline."""
    area, check, fact = f"lane {lane}", "query beside a call", probes.latency
    if isinstance(fact, Unreachable):
        return unreachable(area, check, fact)
    seen = (
        f"{fact.busy_seconds:.2f} s beside a call of {fact.call_inputs}, {fact.idle_seconds:.2f} s"
        f" alone; the deadline is {fact.deadline_seconds:g} s"
    )
    if fact.busy_seconds <= fact.deadline_seconds:
        return ok(area, check, seen)
    fitting = fitting_call_inputs(
        call_inputs=fact.call_inputs,
        idle_seconds=fact.idle_seconds,
        busy_seconds=fact.busy_seconds,
        deadline_seconds=fact.deadline_seconds,
    )
    remedy = (
        f"lower {probes.call_setting} to {fitting}"
        if fitting
        else "raise serve.deadline_seconds, or give this lane faster hosts"
    )
    return warn(area, check, seen, remedy)


SPEED_CHECKS = (long_word, latency)
