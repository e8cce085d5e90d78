"""What a worker says of itself: of several things that could be said, what matters most."""

import pytest

from schemas import WorkerState
from streams.agents.progress import Progress

RUNNING, STALLED, PAUSED = WorkerState.RUNNING, WorkerState.STALLED, WorkerState.PAUSED
YIELDS = "yields to queries"


@pytest.mark.parametrize(
    ("state", "reason", "rests", "remark", "said"),
    [
        (RUNNING, "", None, "", (RUNNING, "")),
        (RUNNING, "", None, YIELDS, (RUNNING, YIELDS)),
        (RUNNING, "", "paused by ann", YIELDS, (PAUSED, "paused by ann")),
        (STALLED, "Milvus is away", None, YIELDS, (STALLED, "Milvus is away")),
        (STALLED, "Milvus is away", "paused by ann", "", (STALLED, "Milvus is away")),
        (WorkerState.STARTING, "", None, YIELDS, (WorkerState.STARTING, "")),
    ],
)
def test_a_remark_is_made_only_of_a_worker_that_works(state, reason, rests, remark, said):
    progress = Progress("w", "embed:ollama", dict)
    progress.set(state, reason)
    report = progress.report(
        (), rests=rests, remark=remark, control_version=1, control_age_seconds=0.0
    )
    assert (report.state, report.reason) == said
