"""Reading the control log into its state, and appending to it."""

import logging

from pydantic import ValidationError

from schemas import BuildStarted, ControlRecord, UnknownSchemaVersion, parse_control
from streams.errors import ConfigurationError
from streams.migration.state import State, apply
from streams.ports import Log, NewRecord

__all__ = ["ControlLog", "build_of"]

_log = logging.getLogger(__name__)


def build_of(state: State, lane: str) -> BuildStarted:
    """The lane's newest build.

    Raises: ConfigurationError if none was ever started.
    """
    build = state.lanes.get(lane)
    if build is None:
        raise ConfigurationError(
            f"lanes.{lane}", "no build of this lane was ever started", "run `hotswap init`"
        )
    return build


class ControlLog:
    """The fold of one control topic, brought up to date on demand."""

    def __init__(self, log: Log, topic: str) -> None:
        self._log = log
        self._topic = topic
        self._read_up_to: dict[int, int] = {}
        self.state = State()

    async def refresh(self) -> State:
        """Fold whatever was appended since the last time.

        A record that can not be read is rejected by leaving it out; it stays in the log.
        """
        ends = await self._log.ends(self._topic)
        if ends != self._read_up_to:
            async for page in self._log.read(self._topic, since=self._read_up_to, until=ends):
                for record in page:
                    try:
                        self.state = apply(self.state, parse_control(record.value or b""))
                    except (ValidationError, UnknownSchemaVersion) as error:
                        _log.warning("control record %d is rejected: %s", record.offset, error)
            self._read_up_to = ends
        return self.state

    async def append(self, record: ControlRecord) -> State:
        """Append a record and fold up to it."""
        await self._log.append([NewRecord(self._topic, record.kind.encode(), record.encode())])
        return await self.refresh()
