"""What a verification has found so far: suspects in, findings that count out.

Suspects wait for their second look until there are many, so that memory stays bounded however
much is wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from schemas.verify import Finding, VerifySample
from streams.core.verification import Suspect, expectation
from streams.core.verify_report import Tally
from streams.services.compared import Compared
from streams.services.dead_letters import read_letters
from streams.services.second_look import second_look

__all__ = ["Findings"]

_MOST_WAITING = 20_000


@dataclass(slots=True)
class Findings:
    """Counts and samples of one verification.

    Attributes:
        compared: what is compared.
        on_found: told of differences, once they are certain.
        tally: of all findings.
        newer: shard → ids left out for their newer documents.
    """

    compared: Compared
    on_found: Callable[[Sequence[Suspect]], None]
    tally: Tally = field(default_factory=Tally)
    newer: Counter[int] = field(default_factory=Counter)
    _waiting: list[Suspect] = field(default_factory=list)
    _dead: set[tuple[int, int]] | None = None

    async def suspect(self, suspects: Iterable[Suspect]) -> None:
        """Have these looked at again, now or later.

        Raises: as `second_look`.
        """
        self._waiting += suspects
        if len(self._waiting) >= _MOST_WAITING:
            await self.settle()

    async def settle(self) -> None:
        """Look at all that wait.

        Raises: as `second_look`.
        """
        suspects, self._waiting = self._waiting, []
        wrong, newer = await second_look(self.compared, suspects)
        self.newer.update(newer)
        different: list[Suspect] = []
        for suspect in wrong:
            finding = await self._explained(suspect)
            sample = VerifySample(
                id=suspect.id,
                shard=suspect.shard,
                expected=expectation(suspect),
                found=suspect.found,
            )
            self.tally.add(finding, sample)
            if finding is not Finding.DEAD_LETTERED:
                different.append(replace(suspect, finding=finding))
        if different:
            self.on_found(different)

    async def _explained(self, suspect: Suspect) -> Finding:
        """The finding, unless the newest document could not be embedded and is a dead letter.

        Discarded letters explain as well: by discarding, an operator accepts the gap.
        """
        if suspect.expected is None or suspect.finding not in (Finding.MISSING, Finding.STALE):
            return suspect.finding
        if self._dead is None:
            self._dead = await self._dead_letters()
        is_dead = (suspect.shard, suspect.expected.version) in self._dead
        return Finding.DEAD_LETTERED if is_dead else suspect.finding

    async def _dead_letters(self) -> set[tuple[int, int]]:
        """Places on `documents` of the build's dead letters."""
        topics, stage = self.compared.topics, self.compared.stage
        letters = await read_letters(
            self.compared.log,
            topics.dead_letters,
            wanted=lambda one: one.letter.stage == stage and one.letter.topic == topics.documents,
        )
        return {(one.letter.partition, one.letter.offset) for one in letters}
