"""Change events in, records of `documents` out.

`process` is repeatable: the same events give the same records, and a record that is
appended twice changes nothing. It returns only when the broker has confirmed every record.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from schemas import Document, SourceTruncated
from streams.config.settings import TopicsConfig
from streams.core.dead_letters import dead_letter_record
from streams.core.normalisation import (
    Ignored,
    Limits,
    Put,
    Rejected,
    Remove,
    RemoveOlder,
    is_older,
    normalise,
)
from streams.core.source import Source
from streams.core.truncation import TRUNCATE_HEADER, TruncateRepair
from streams.ports import Log, LogRecord, NewRecord
from streams.services.control import ControlLog

__all__ = ["Normaliser"]


class Normaliser:
    """Turns the change events of all sources into documents.

    Args:
        sources: topic → the source whose events arrive on it.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        log: Log,
        control: ControlLog,
        *,
        topics: TopicsConfig,
        limits: Limits,
        worker: str,
    ) -> None:
        self._sources = sources
        self._log = log
        self._control = control
        self._topics = topics
        self._limits = limits
        self._worker = worker
        self.counters: Counter[str] = Counter()

    async def process(self, records: Sequence[LogRecord], check: Callable[[], None]) -> None:
        """Append what the events amount to, and wait until the broker has it.

        Raises: TransientError, OwnershipLost; see `streams.agents.consumption.Work`.
        """
        counted: Counter[str] = Counter(records=len(records))
        known = self._control.state.truncated
        pending: list[NewRecord] = []
        puts: dict[str, Document] = {}
        for record in records:
            outcome = self._normalise(record)
            counted[_name(outcome)] += 1
            if isinstance(outcome, RemoveOlder):
                await self._append(pending, check)
                counted["truncated"] += await self._truncate(outcome, check)
                # What this truncate removes it has found in `documents`.
                pending, puts, known = [], {}, self._control.state.truncated
                continue
            if isinstance(outcome, Put):
                puts[outcome.document.id] = outcome.document
            elif isinstance(outcome, Remove):
                puts.pop(outcome.id, None)
            pending += self._answer(record, outcome)
        await self._append(pending, check)
        counted["truncated"] += await self._withdraw(puts, known, check)
        self.counters += counted

    def _normalise(self, record: LogRecord) -> Put | Remove | RemoveOlder | Ignored | Rejected:
        source = self._sources[record.topic]
        outcome = normalise(record.key, record.value, source, self._limits)
        if isinstance(outcome, Put) and self._is_truncated(outcome):
            return Ignored("older than a truncate of its source")
        return outcome

    def _is_truncated(self, outcome: Put) -> bool:
        watermark = self._control.state.truncated.get(outcome.document.source)
        return watermark is not None and is_older(outcome.document.position, watermark)

    def _answer(
        self, record: LogRecord, outcome: Put | Remove | Ignored | Rejected
    ) -> list[NewRecord]:
        match outcome:
            case Put(document):
                encoded = document.encode()
                return [NewRecord(self._topics.documents, document.id.encode(), encoded)]
            case Remove(id=id_):
                return [NewRecord(self._topics.documents, id_.encode(), None)]
            case Rejected():
                letter = dead_letter_record(
                    self._topics.dead_letters,
                    record,
                    stage="normalise",
                    reason=outcome.reason,
                    detail=outcome.detail,
                    document_id=outcome.document_id,
                    max_bytes=self._limits.record_bytes,
                )
                return [letter]
            case Ignored():
                return []

    async def _append(self, records: Sequence[NewRecord], check: Callable[[], None]) -> None:
        if records:
            check()
            await self._log.append(records)

    async def _withdraw(
        self, puts: Mapping[str, Document], known: Mapping[str, str], check: Callable[[], None]
    ) -> int:
        """Take back what another worker's truncate removes; how many records that took.

        That worker announces its truncate and then looks through `documents`; this one has
        appended, and looks for truncates then. So at least one of the two sees the other.
        """
        truncated = (await self._control.refresh()).truncated
        if truncated == known:
            return 0
        gone = [
            NewRecord(
                self._topics.documents,
                document.id.encode(),
                None,
                ((TRUNCATE_HEADER, truncated[document.source].encode()),),
            )
            for document in puts.values()
            if is_older(document.position, truncated.get(document.source, ""))
        ]
        await self._append(gone, check)
        return len(gone)

    async def _truncate(self, truncate: RemoveOlder, check: Callable[[], None]) -> int:
        """Delete what is older than the truncate; how many records that took."""
        await self._control.append(
            SourceTruncated(
                id=str(uuid.uuid4()),
                by=self._worker,
                source=truncate.source,
                position=truncate.position,
            )
        )
        repair = TruncateRepair(truncate.source, truncate.position)
        header = (TRUNCATE_HEADER, truncate.position.encode())
        since: Mapping[int, int] | None = None
        appended = 0
        while True:
            until = await self._log.ends(self._topics.documents)
            async for page in self._log.read(self._topics.documents, since=since, until=until):
                for record in page:
                    repair.add(
                        record.key,
                        record.value,
                        made_by_truncate=any(name == TRUNCATE_HEADER for name, _ in record.headers),
                        was_there=since is None,
                    )
            since = until
            repairs = [
                NewRecord(self._topics.documents, key, value, (header,))
                for key, value in repair.repairs()
            ]
            if not repairs:
                return appended
            await self._append(repairs, check)
            appended += len(repairs)


def _name(outcome: Put | Remove | RemoveOlder | Ignored | Rejected) -> str:
    match outcome:
        case Put():
            return "documents"
        case Remove():
            return "deletes"
        case RemoveOlder():
            return "truncates"
        case Ignored():
            return "ignored"
        case Rejected():
            return "dead_lettered"
