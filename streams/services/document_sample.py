"""A bounded sample of the documents that there are, spread evenly over their log."""

from contextlib import aclosing

from pydantic import ValidationError

from schemas import Document, UnknownSchemaVersion
from streams.core.estimate import evenly
from streams.core.records import LogRecord
from streams.ports import Log

__all__ = ["sample_documents"]

_MORE = 4
"""Records looked at for each document wanted: some are deletes, some are overtaken."""


async def sample_documents(log: Log, topic: str, count: int) -> list[Document]:
    """Up to `count` documents of the log, from all over it, each id once.

    Reads a few ranges of each partition, never the whole log. Of an id, the newest record
    among those that were read counts; what is not readable as a document is left out.

    Raises: TransientError; ConfigurationError if there is no such topic.
    """
    ends = await log.ends(topic)
    order = sorted(ends)
    newest: dict[bytes, LogRecord] = {}
    plan = evenly([ends[partition] for partition in order], count * _MORE)
    for partition, ranges in zip(order, plan, strict=True):
        for span in ranges:
            pages = log.read(
                topic,
                since={partition: span.start},
                until={partition: span.stop},
                partitions=[partition],
            )
            async with aclosing(pages):
                async for page in pages:
                    newest.update({record.key: record for record in page if record.key})
    documents = [found for record in newest.values() if (found := _document(record)) is not None]
    if len(documents) <= count:
        return documents
    step = len(documents) / count
    return [documents[int(index * step)] for index in range(count)]


def _document(record: LogRecord) -> Document | None:
    if record.value is None:
        return None
    try:
        return Document.decode(record.value)
    except (ValidationError, UnknownSchemaVersion):  # a worker dead-letters it
        return None
