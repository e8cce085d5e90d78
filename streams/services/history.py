"""The control log as its history: every record, and what the fold said to it."""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Literal

from pydantic import BaseModel, Field

from streams.core.records import LogRecord
from streams.migration.fold import Folded
from streams.migration.signing import NO_KEYS, Keyring
from streams.migration.verdicts import Accepted, Guard, Held, Rejected, Rejection, Unchanged
from streams.ports import Log
from streams.services.command_words import in_words
from streams.services.control import new_fold

__all__ = ["Entry", "History", "entry_of"]

_SHOWN_BYTES = 80


class Entry(BaseModel):
    """One record of the control log, and what became of it."""

    offset: int
    at: int = Field(description="The broker's time, ms since the epoch.")
    kind: str | None = Field(description="Null if the record can not be read.")
    id: str | None
    by: str | None
    what: str = Field(description="What it asks for, in words.")
    reason: str = Field(description="Why it was given, by whoever gave it.")
    verdict: Literal["accepted", "unchanged", "held", "rejected"]
    why: str = Field(description="Its effect, or why it has none.")
    overridden: tuple[Guard, ...] = Field(default=(), description="Guards that force overrode.")
    guard: Guard | None = Field(default=None, description="The guard that holds it.")
    guards: tuple[Guard, ...] = Field(default=(), description="All guards that hold it.")
    remedy: str = Field(default="", description="What to do about that.")
    forcible: bool = Field(default=False, description="Whether force would override them.")
    rejection: Rejection | None = None
    version: int = Field(description="Of the state after it.")

    @property
    def obeyed(self) -> bool:
        """Whether things are as the record wants them."""
        return self.verdict in ("accepted", "unchanged")


def entry_of(folded: Folded, raw: bytes | None = None) -> Entry:
    """What the history says of a record.

    Args:
        folded: what the fold said to it.
        raw: its bytes; their head is shown of a record that can not be read.
    """
    command, verdict = folded.command, folded.verdict
    said: dict[str, object]
    match verdict:
        case Accepted():
            said = {"verdict": "accepted", "why": verdict.effect, "overridden": verdict.overridden}
        case Unchanged():
            said = {"verdict": "unchanged", "why": verdict.why}
        case Held():
            said = {
                "verdict": "held",
                "why": verdict.why,
                "guard": verdict.guard,
                "guards": verdict.guards,
                "remedy": verdict.remedy,
                "forcible": verdict.forcible,
            }
        case Rejected():
            said = {"verdict": "rejected", "why": verdict.why, "rejection": verdict.rejection}
    return Entry.model_validate(
        {
            "offset": folded.offset,
            "at": folded.at,
            "kind": None if command is None else command.kind,
            "id": None if command is None else command.id,
            "by": None if command is None else command.by,
            "what": _head(raw or b"") if command is None else in_words(command),
            "reason": "" if command is None else command.reason,
            "version": folded.version,
            **said,
        }
    )


def _head(raw: bytes) -> str:
    shown = raw[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return shown + ("…" if len(raw) > _SHOWN_BYTES else "")


class History:
    """The control log, read once and then on.

    Args:
        log: where the topic is.
        topic: its name.
        keyring: the control keys.
        wanted: which entries are given; all are folded.
    """

    def __init__(
        self,
        log: Log,
        topic: str,
        keyring: Keyring = NO_KEYS,
        *,
        wanted: Callable[[Entry], bool] = lambda _entry: True,
    ) -> None:
        self._log = log
        self._topic = topic
        self._wanted = wanted
        self._fold = new_fold(keyring)
        self._position = 0

    async def past(self, limit: int | None = None) -> list[Entry]:
        """The newest entries among those there are by now, oldest first; None: all.

        Raises: TransientError; ConfigurationError if there is no such topic.
        """
        newest: deque[Entry] = deque(maxlen=limit)
        ends = await self._log.ends(self._topic)
        async for page in self._log.read(self._topic, since={0: self._position}, until=ends):
            newest.extend(self._entries(page))
        self._position = ends[0]
        return list(newest)

    async def coming(self) -> AsyncGenerator[Entry, None]:
        """Every later entry as soon as it is appended; never ends.

        Raises: as `Log.follow`.
        """
        pages = self._log.follow(self._topic, {0: self._position})
        async with aclosing(pages):
            async for page, positions in pages:
                for entry in self._entries(page):
                    yield entry
                self._position = positions[0]

    def _entries(self, page: Sequence[LogRecord]) -> list[Entry]:
        entries = (entry_of(self._fold.take(record), record.value) for record in page)
        return [entry for entry in entries if self._wanted(entry)]
