"""The left fold over the control log: record in, verdict and next state out.

The same records give the same state and the same verdicts in every process that was given the
same keys. Time is the broker's and never goes back. Nothing raises: a record that is no order
is rejected, stays in the log, and changes nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from schemas import ControlRecord
from streams.core.records import LogRecord
from streams.migration.decide import decide
from streams.migration.proposals import Place
from streams.migration.reading import read_command
from streams.migration.signing import RetiredKey, is_signed
from streams.migration.state import State
from streams.migration.verdicts import Rejected, Rejection, Verdict

__all__ = ["Fold", "Folded"]


class Folded(NamedTuple):
    """One record of the log with what the fold said to it.

    Attributes:
        offset: of the record.
        at: the time of the fold after it: the broker's of the record or, if that went back, the
            highest before it; ms since the epoch.
        command: what it says; None if it can not be read.
        verdict: what became of it.
        version: of the state after it.
    """

    offset: int
    at: int
    command: ControlRecord | None
    verdict: Verdict
    version: int


class Fold:
    """A fold under way.

    Args:
        keys: control keys; if there are any, every record must be signed with one of them.
        retired: keys that count for the part of the log that they signed, and no longer.
        signed_from: offset from which on signatures are asked for.
    """

    def __init__(
        self,
        keys: Sequence[bytes] = (),
        *,
        retired: Sequence[RetiredKey] = (),
        signed_from: int = 0,
    ) -> None:
        self._keys = tuple(keys)
        self._retired = tuple(retired)
        self._signed_from = signed_from
        self._ids: set[str] = set()
        self.state = State()
        self.time = 0
        self.offset = -1

    def copy(self) -> "Fold":
        """An independent fold that has folded the same records."""
        other = Fold(self._keys, retired=self._retired, signed_from=self._signed_from)
        other._ids = set(self._ids)
        other.state, other.time, other.offset = self.state, self.time, self.offset
        return other

    def take(self, record: LogRecord) -> Folded:
        """Fold the next record of the log."""
        self.time = max(self.time, record.timestamp)
        self.offset = record.offset
        value = record.value or b""
        command = read_command(value)
        if isinstance(command, Rejected):
            return Folded(self.offset, self.time, None, command, self.state.version)
        verdict: Verdict | None = self._refused(command, value)
        if verdict is None:
            verdict, self.state = decide(self.state, command, Place(self.offset, self.time))
        return Folded(self.offset, self.time, command, verdict, self.state.version)

    def _refused(self, command: ControlRecord, value: bytes) -> Rejected | None:
        """Why the command is none to be judged at all. Remembers its id."""
        if self._keys and not self._is_authentic(value):
            why = "is not signed" if command.signature is None else "its signature is not valid"
            return Rejected(Rejection.SIGNATURE, why)
        if command.id in self._ids:
            return Rejected(Rejection.DUPLICATE, "a record with this id came before")
        self._ids.add(command.id)
        if command.expires_at is not None and command.expires_at < self.time:
            late = (self.time - command.expires_at) / 1000
            return Rejected(Rejection.EXPIRED, f"expired {late:,.1f} s before it came")
        version = self.state.version
        if command.expected_version is not None and command.expected_version != version:
            meant = f"meant for version {command.expected_version}"
            return Rejected(Rejection.STALE, f"{meant}, but the state has got to {version}")
        if command.force and not command.reason.strip():
            return Rejected(Rejection.NO_REASON, "force needs a reason")
        return None

    def _is_authentic(self, value: bytes) -> bool:
        if self.offset < self._signed_from:
            return True
        then = [retired.key for retired in self._retired if self.offset < retired.before]
        return is_signed(value, [*self._keys, *then])
