"""Commands as a person would type them, for the page; a test folds every one."""

from typing import NamedTuple

from schemas import Stage

__all__ = ["EXAMPLES", "Example"]


class Example(NamedTuple):
    """One command.

    Attributes:
        does: what it is for.
        stage: a stage in which it goes through, once its guards are content.
        order: everything of it but `id` and `by`, as JSON.
    """

    does: str
    stage: Stage
    order: str


EXAMPLES = (
    Example("Put all reads back on the source, at once", Stage.LIVE, '"kind": "rollback"'),
    Example(
        "The same, and stop writing the target",
        Stage.LIVE,
        '"kind": "rollback", "to": "off", "reason": "Ollama is out of memory"',
    ),
    Example("The same by the flag", Stage.LIVE, '"kind": "flag", "value": false'),
    Example("Go to a stage", Stage.OFF, '"kind": "stage", "to": "dualwrite"'),
    Example(
        "Go on without the evidence that is missing",
        Stage.SHADOW,
        '"kind": "stage", "to": "live", "force": true, "reason": "gate done by hand"',
    ),
    Example("Have 10 % of the askers read the target", Stage.LIVE, '"kind": "ramp", "percent": 10'),
    Example(
        "Have a cohort read it, whatever the percentage",
        Stage.LIVE,
        '"kind": "ramp", "cohorts": ["staff"]',
    ),
    Example("10 % by the flag", Stage.LIVE, '"kind": "flag", "value": 10'),
    Example(
        "Pause a lane; it keeps its place",
        Stage.DUALWRITE,
        '"kind": "pause", "lane": "ollama", "reason": "disk is full"',
    ),
    Example("Have it work again", Stage.DUALWRITE, '"kind": "resume", "lane": "ollama"'),
    Example(
        "Slow a lane down, over all its workers",
        Stage.DUALWRITE,
        '"kind": "throttle", "lane": "ollama", "documents_per_second": 20',
    ),
    Example(
        "As fast as it can again",
        Stage.DUALWRITE,
        '"kind": "throttle", "lane": "ollama", "documents_per_second": null',
    ),
    Example(
        "Only if nobody was faster, and only today",
        Stage.LIVE,
        '"kind": "ramp", "percent": 50, "expected_version": VERSION,'
        ' "expires_at": "2036-01-31T18:00:00+01:00"',
    ),
    Example("Write the source again, as a way back", Stage.COMPLETE, '"kind": "reopen"'),
)
"""`VERSION` stands for the state's version."""
