"""Somebody who watches the log and remembers what a lane's proof rests on.

Knows stages, builds and clean verifies from the records alone, so that the fold's own notes
(`written_from`, `proven`) are not what they are measured by.
"""

from schemas import BuildStarted, MigrationDefined, VerifyEvidence
from schemas.verify import Verdict
from streams.migration.fold import Folded
from streams.migration.reads import reading_lanes
from streams.migration.state import State
from streams.migration.verdicts import Accepted
from streams.migration.writes import is_written


class Witness:
    def __init__(self) -> None:
        self._on_since: dict[str, int] = {}
        self._begun: dict[tuple[str, int], int] = {}
        self._looked: dict[tuple[str, int], int] = {}
        self._trusted: tuple[str, int] | None = None

    def sees(self, folded: Folded, after: State) -> None:
        """Take note of a record and of the state after it."""
        command = folded.command
        if isinstance(folded.verdict, Accepted):
            if isinstance(command, BuildStarted):
                self._begun[command.lane, command.build] = folded.offset
            elif isinstance(command, MigrationDefined) and self._trusted is None:
                self._trusted = (command.source, after.lanes[command.source].serving)
            elif isinstance(command, VerifyEvidence) and command.verdict is Verdict.CLEAN:
                place = (command.lane, command.build)
                self._looked[place] = max(self._looked.get(place, -1), command.as_of)
        for lane in after.lanes:
            if not is_written(after, lane):
                self._on_since.pop(lane, None)
                if self._trusted is not None and self._trusted[0] == lane:
                    self._trusted = (lane, 0)  # no word holds for what was switched off
            else:
                self._on_since.setdefault(lane, folded.offset)

    def vouches_for(self, state: State) -> None:
        """Every lane that may answer was verified clean after its writes and its build began."""
        for lane in reading_lanes(state):
            place = (lane, state.lanes[lane].serving)
            if place == self._trusted:
                continue
            assert lane in self._on_since, place
            assert place in self._looked, place
            assert self._looked[place] >= max(self._on_since[lane], self._begun[place]), place
