"""When a verdict is worth a record on a log that is kept for ever."""

import pytest

from schemas import GateEvidence, GateVerdict
from streams.core.criteria import Judged
from streams.migration.state import Recorded, State
from streams.services.exit_criteria import Seen, is_due
from tests.unit.gate.looks import LIMITS, NOW, good_look

GOOD, BAD, OPEN = GateVerdict.SUCCESSFUL, GateVerdict.FAILED, GateVerdict.INCONCLUSIVE


def seen(verdict: GateVerdict, kept: GateVerdict | None, age_ms: int = 0, as_of: int = 9) -> Seen:
    """A look by a state that holds evidence of this age; the window began at offset 4."""
    evidence = {}
    if kept is not None:
        record = GateEvidence(id="g", by="ann", as_of=as_of, verdict=kept)
        evidence["gate"] = Recorded(record, 10, NOW - age_ms)
    return Seen(
        look=good_look(),
        limits=LIMITS,
        judged=Judged(verdict, "", ()),
        state=State(evidence=evidence),
        as_of=12,
        source=("cloud", 1),
        target=("ollama", 1),
    )


HALF_LIFE_MS = 500 * LIMITS.evidence_seconds


@pytest.mark.parametrize(
    ("what", "due"),
    [
        (seen(GOOD, None), True),
        (seen(GOOD, GOOD), False),
        (seen(OPEN, OPEN, 60_000), False),
        (seen(OPEN, GOOD), True),
        (seen(BAD, GOOD), True),
        (seen(GOOD, BAD), False),
        (seen(GOOD, BAD, 10_000), True),
        (seen(BAD, OPEN, 9_999), False),
        (seen(GOOD, GOOD, HALF_LIFE_MS - 1), False),
        (seen(GOOD, GOOD, HALF_LIFE_MS), True),
        (seen(GOOD, GOOD, as_of=3), True),
    ],
)
def test_evidence_is_recorded_when_it_tells_the_guards_something_new(what, due):
    assert is_due(what) is due


def test_a_verdict_that_turns_every_second_is_recorded_a_few_times_a_minute():
    kept, kept_at, records = OPEN, 0, 0
    for second in range(60):
        verdict = GOOD if second % 2 else BAD
        age = 1_000 * (second - kept_at)
        if is_due(seen(verdict, kept, age)):
            kept, kept_at, records = verdict, second, records + 1
    assert 1 < records <= 12
