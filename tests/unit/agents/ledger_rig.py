"""A `LedgerConsumer` of one partition as the app makes it, with the broker played by a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from faust.types import TP

from streams.agents import transport
from streams.agents.app import LedgerApp, make_app
from streams.agents.transport import Chunk, LedgerConsumer
from streams.config import KafkaConfig

__all__ = ["PARTITION", "SESSION_SECONDS", "Rig", "new_rig"]

PARTITION = TP("documents", 0)
SESSION_SECONDS = 6.0


@dataclass
class Rig:
    """Delivers records as the fetcher does, and notes what the broker is asked to commit."""

    app: LedgerApp
    consumer: LedgerConsumer
    assigned: set[TP] = field(default_factory=set)
    commits: list[int] = field(default_factory=list)
    takes_commits: bool = True
    now: float = 1_000.0
    """Seconds on the clock that leases go by."""

    async def assign(self, generation: int) -> None:
        """Give the partition, as the coordinator does in this generation of the group."""
        self.app.consumer_generation_id = generation
        self.assigned = {PARTITION}
        await self.consumer.on_partitions_assigned({PARTITION}, generation)

    async def revoke(self) -> None:
        await self.consumer.on_partitions_revoked({PARTITION})
        self.assigned = set()

    def deliver(self, *offsets: int) -> Chunk:
        """What one fetch brings."""
        chunk = self.consumer._to_message(PARTITION, [_fetched(offset) for offset in offsets])
        assert isinstance(chunk, Chunk)
        return chunk

    async def committed(self) -> int | None:
        """What the broker is asked to commit now; None: nothing."""
        before = len(self.commits)
        await self.consumer.commit()
        asked = self.commits[before:]
        return asked[0] if asked else None


def _fetched(offset: int) -> SimpleNamespace:
    """A record as aiokafka has it."""
    return SimpleNamespace(
        topic=PARTITION.topic,
        partition=PARTITION.partition,
        offset=offset,
        key=b"k",
        value=b"v",
        timestamp=1_700_000_000_000,
        timestamp_type=0,
        headers=(),
    )


@contextmanager
def new_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A rig without a partition; needs a running event loop."""
    app = make_app(KafkaConfig(session_timeout_seconds=SESSION_SECONDS), "group")

    async def told(*_what: object) -> None:
        """Faust's streams, whose part a test plays itself."""

    consumer = app.transport.create_consumer(
        callback=told, on_partitions_revoked=told, on_partitions_assigned=told
    )
    assert isinstance(consumer, LedgerConsumer)
    rig = Rig(app, consumer)

    async def commit(offsets: dict[TP, int]) -> bool:
        rig.commits += offsets.values()
        return rig.takes_commits

    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: rig.now))
    monkeypatch.setattr(consumer._thread, "commit", commit)
    monkeypatch.setattr(consumer._thread, "assignment", lambda: rig.assigned)
    yield rig
    consumer._thread.thread_loop.close()
