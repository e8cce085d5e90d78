"""Reading the control log into its state, and appending to it."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable

from schemas import BuildStarted, Command
from streams.errors import ConfigurationError, TransientError
from streams.migration.fold import Fold, Folded
from streams.migration.signing import NO_KEYS, Keyring, sign
from streams.migration.state import State
from streams.migration.verdicts import Held, Rejected
from streams.ports import Log, LogRecord, NewRecord

__all__ = ["ControlLog", "build_of", "new_fold"]

_log = logging.getLogger(__name__)

_REMEMBERED = 10_000
"""Verdicts that are kept, so that whoever appended a record can be told."""


def build_of(state: State, lane: str) -> BuildStarted:
    """What the lane's serving build began with.

    Raises: ConfigurationError if none was ever started.
    """
    known = state.lanes.get(lane)
    if known is None:
        raise ConfigurationError(
            f"lanes.{lane}", "no build of this lane was ever started", "run `hotswap init`"
        )
    return known.pinned


def new_fold(keyring: Keyring) -> Fold:
    """A fold that has folded nothing yet, and asks for these signatures."""
    return Fold(keyring.keys, retired=keyring.retired, signed_from=keyring.signed_from)


class ControlLog:
    """The fold of one control topic, brought up to date on demand.

    Args:
        log: where the topic is.
        topic: its name.
        keyring: the control keys.
        on_folded: told of every record as it is folded.
    """

    def __init__(
        self,
        log: Log,
        topic: str,
        keyring: Keyring = NO_KEYS,
        *,
        on_folded: Callable[[Folded], None] = lambda _folded: None,
    ) -> None:
        self._log = log
        self._topic = topic
        self._keys = keyring.keys
        self._listeners = [on_folded]
        self._verdicts: OrderedDict[int, Folded] = OrderedDict()
        self._position = 0  # behind the fold's offset stand records only, but markers, too
        self.fold = new_fold(keyring)

    @property
    def state(self) -> State:
        """The state as far as it is known here."""
        return self.fold.state

    async def refresh(self) -> State:
        """Fold whatever was appended since the last time.

        Raises: TransientError; DriftError if the topic was deleted and made again.
        """
        ends = await self._log.ends(self._topic)
        if ends[0] > self._position:
            pages = self._log.read(self._topic, since={0: self._position}, until=ends)
            async for page in pages:
                self.take(page)
            self._position = ends[0]
        return self.state

    def listen(self, listener: Callable[[Folded], None]) -> Callable[[], None]:
        """Be told of every record as it is folded; the answer ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def folded(self, offset: int) -> Folded | None:
        """What became of a record; None if it is none, was not read yet, or is long past."""
        return self._verdicts.get(offset)

    def encoded(self, command: Command) -> bytes:
        """The record that `append` appends: signed, if there is a key."""
        value = command.encode()
        return sign(value, self._keys[0]) if self._keys else value

    async def append(self, command: Command) -> Folded:
        """Append a record, signed if there is a key, and fold up to it: what became of it.

        Raises: TransientError; the record may or may not have been appended.
        """
        kind = str(getattr(command, "kind", "")).encode()
        record = NewRecord(self._topic, kind, self.encoded(command))
        ((_, offset),) = await self._log.append([record])
        await self.refresh()
        folded = self._verdicts.get(offset)
        if folded is None:
            raise TransientError(f"control record {offset} was appended, but is not readable yet")
        return folded

    def take(self, records: Iterable[LogRecord]) -> None:
        """Fold records; those that were folded before are left out."""
        for record in records:
            if record.offset <= self.fold.offset:
                continue
            folded = self.fold.take(record)
            self._verdicts[folded.offset] = folded
            if len(self._verdicts) > _REMEMBERED:
                self._verdicts.popitem(last=False)
            if isinstance(folded.verdict, Held | Rejected):
                _log.warning(
                    "control record %d is not obeyed: %s", record.offset, folded.verdict.why
                )
            for listener in list(self._listeners):
                listener(folded)
