"""The exit criteria of the dual-write window: data in, verdicts with reasons out.

Knows no Kafka, no Milvus and no clock: what was seen comes as a `Look`, what is asked for as
`Limits`. Each criterion is a function of both, and has its line in `judge.CRITERIA`.
"""

from streams.core.criteria.judge import CRITERIA, Judged, judge
from streams.core.criteria.judgement import Judgement
from streams.core.criteria.limits import Limits
from streams.core.criteria.look import Backlog, Look, Mirrored, Quality, Side, Verified

__all__ = [
    "CRITERIA",
    "Backlog",
    "Judged",
    "Judgement",
    "Limits",
    "Look",
    "Mirrored",
    "Quality",
    "Side",
    "Verified",
    "judge",
]
