"""A normaliser over the log in memory, and what it appended there."""

from collections.abc import Sequence

from schemas import DeadLetter, Document
from streams.adapters.memory_log import MemoryLog
from streams.config import TopicsConfig
from streams.core.dead_letters import LETTER_HEADER
from streams.core.normalisation import Limits
from streams.core.source import Source, Template
from streams.ports import LogRecord, TopicSpec
from streams.services.control import ControlLog
from streams.services.normaliser import Normaliser

__all__ = ["CDC", "documents", "everything", "letters", "make", "owned"]

TOPICS = TopicsConfig()
CDC = "cdc.public.articles"
ARTICLES = Source("articles", ("id",), Template.parse("{body}"), ("views",))
LIMITS = Limits(text_budget_bytes=500, metadata_bytes=500, record_bytes=5_000)


def owned() -> None:
    """The partition is ours."""


async def make(
    log: MemoryLog, *, caught_up: bool = True, source: Source = ARTICLES, limits: Limits = LIMITS
) -> Normaliser:
    """A normaliser of the events on `CDC`; its topics are created if they are not there."""
    for name, partitions in (("documents", 3), ("control", 1), ("dead-letters", 1)):
        await log.create(TopicSpec(name, partitions, 1, {}))
    control = ControlLog(log, TOPICS.control)
    if caught_up:
        await control.refresh()
    return Normaliser({CDC: source}, log, control, topics=TOPICS, limits=limits, worker="w")


async def documents(log: MemoryLog) -> dict[str, str | None]:
    """The newest text of each id; None where it was deleted."""
    return {
        (record.key or b"").decode(): Document.decode(record.value).text if record.value else None
        for record in await everything(log, "documents")
    }


async def letters(log: MemoryLog) -> list[DeadLetter]:
    """The dead letters, in order."""
    return [
        DeadLetter.decode(dict(record.headers)[LETTER_HEADER])
        for record in await everything(log, "dead-letters")
    ]


async def everything(log: MemoryLog, topic: str) -> Sequence[LogRecord]:
    """All records of a topic."""
    return [record async for page in log.read(topic) for record in page]
