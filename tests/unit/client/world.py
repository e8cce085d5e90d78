"""A migration in memory, that a client in any thread can be opened on."""

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from schemas import (
    Command,
    MigrationDefined,
    RampSet,
    Record,
    Rollback,
    Stage,
    StageSet,
    Verdict,
    VerifyEvidence,
    parse_observation,
)
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.errors import TransientError
from streams.migration.verdicts import Accepted, Unchanged
from streams.ports import LogRecord, NewRecord, TopicSpec
from streams.services.control import ControlLog
from tests.unit.serving.world import Embedder, built

Kind = TypeVar("Kind", bound=Record)

__all__ = ["CONFIGURATION", "Hold", "SharedLog", "World", "reached", "threads"]

CONFIGURATION = """\
[[sources]]
name = "s"
topic = "t"
key = ["id"]
text = "{text}"

[lanes.cloud]
provider = "ollama"
hosts = ["http://127.0.0.1:1"]
model = "big"

[lanes.ollama]
provider = "ollama"
hosts = ["http://127.0.0.1:1"]
model = "small"

[serve]
deadline_seconds = 5
total_seconds = 10
"""


class SharedLog(MemoryLog):
    """One that several event loops may use at once: it looks for news instead of being told.

    Attributes:
        reachable: clear it, and Kafka is away.
        problem: set it, and the log can not be followed any further.
        followers: those that follow it now.
        users: those that opened it and did not close it yet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reachable = threading.Event()
        self.reachable.set()
        self.problem: Exception | None = None
        self.followers = 0
        self.users = 0

    def open(self) -> "SharedLog":
        self.users += 1
        return self

    async def close(self) -> None:
        self.users -= 1

    async def ends(self, topic: str) -> dict[int, int]:
        if not self.reachable.is_set():
            raise TransientError("no broker")
        return await super().ends(topic)

    async def append(self, records: Sequence[NewRecord]) -> list[tuple[int, int]]:
        if not self.reachable.is_set():
            raise TransientError("no broker")
        return await super().append(records)

    async def follow(
        self, topic: str, since: Mapping[int, int]
    ) -> AsyncGenerator[tuple[Sequence[LogRecord], Mapping[int, int]], None]:
        position = since.get(0, 0)
        self.followers += 1
        try:
            while True:
                if self.problem is not None:
                    raise self.problem
                # The topic is looked up here too: a missing one is an error at once.
                end = len(self._of(topic)[0].records)
                if self.reachable.is_set() and end > position:
                    page = self._of(topic)[0].records[position:end]
                    position = end
                    yield page, {0: position}
                await asyncio.sleep(0.002)
        finally:
            self.followers -= 1


class Hold(asyncio.Event):
    """An `Embedder.awake` that any thread may set."""

    async def wait(self) -> Literal[True]:
        while not self.is_set():  # noqa: ASYNC110 - set by a thread, which wakes nobody
            await asyncio.sleep(0.002)
        return True


@dataclass
class World:
    """What tests change, and what they look at."""

    log: SharedLog = field(default_factory=SharedLog)
    store: MemoryStore = field(default_factory=MemoryStore)
    embedders: dict[str, Embedder] = field(
        default_factory=lambda: {"cloud": Embedder(8), "ollama": Embedder(16)}
    )

    async def topics(self) -> None:
        for topic in ("control", "observations"):
            await self.log.create(TopicSpec(topic, 1, 1))

    async def define(self) -> None:
        """A migration at stage off, whose lanes hold the same documents."""
        await self.topics()
        for lane, embedder in self.embedders.items():
            await self.order(await built(lane, embedder, self.store))
        await self.order(
            MigrationDefined(id="m", by="test", source="cloud", target="ollama", salt="x")
        )

    async def live(self, percent: float = 0.0, *cohorts: str) -> None:
        """Put that share of the reads on the target."""
        control = ControlLog(self.log, "control")
        state = await control.refresh()
        for stage in (Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE):
            if state.stage is Stage.OFF or stage is not Stage.DUALWRITE:
                await self.order(_command(StageSet, to=stage, force=True))
            if stage is Stage.DUALWRITE:
                await self.order(
                    _command(
                        VerifyEvidence,
                        lane="ollama",
                        build=1,
                        verdict=Verdict.CLEAN,
                        documents=5,
                        rows=5,
                        as_of=(await self.log.ends("control"))[0] - 1,
                    )
                )
        await self.ramp(percent, *cohorts)

    async def ramp(self, percent: float, *cohorts: str) -> None:
        await self.order(_command(RampSet, percent=percent, cohorts=list(cohorts), force=True))

    async def roll_back(self) -> None:
        await self.order(_command(Rollback))

    async def order(self, command: Command) -> None:
        """Append a command that must be obeyed."""
        verdict = (await ControlLog(self.log, "control").append(command)).verdict
        assert isinstance(verdict, Accepted | Unchanged), verdict

    async def observed(self, kind: type[Kind]) -> list[Kind]:
        """What the topic holds of that kind."""
        pages = [page async for page in self.log.read("observations")]
        every = [parse_observation(record.value or b"") for page in pages for record in page]
        return [one for one in every if isinstance(one, kind)]


def _command(kind: type[Command], **fields: Any) -> Command:
    return kind(id=str(uuid.uuid4()), by="test", reason="a test", **fields)


def threads() -> set[str]:
    """The client's threads that run now."""
    return {each.name for each in threading.enumerate() if each.name.startswith("hotswap")}


def reached(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """`tests.waiting.until` for tests without an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.002)
