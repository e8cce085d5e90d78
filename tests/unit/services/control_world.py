"""Records of a control log, from `off` to wherever a test wants to begin."""

from collections.abc import Iterator
from itertools import count

from schemas import (
    BuildStarted,
    Command,
    Finding,
    Fingerprint,
    GateEvidence,
    GateVerdict,
    MigrationDefined,
    Stage,
    StageSet,
    Verdict,
    VerifyEvidence,
)
from streams.adapters.memory_log import MemoryLog
from streams.migration.signing import sign
from streams.ports import NewRecord, TopicSpec

__all__ = ["KEY", "control_log", "live", "migration", "send", "verified"]

KEY = b"a key of more than sixteen bytes"
FINGERPRINT = Fingerprint(provider="ollama", model="m", digest="d", dimensions=8)

_ids = count()


def _new_id() -> str:
    return f"record-{next(_ids)}"


def migration() -> list[Command]:
    """Two builds, and the migration between them: stage off, version 2."""
    builds = [
        BuildStarted(
            id=_new_id(),
            by="init",
            lane=lane,
            build=1,
            collection=f"documents_{lane}",
            fingerprint=FINGERPRINT,
            documents_partitions=2,
        )
        for lane in ("cloud", "ollama")
    ]
    defined = MigrationDefined(
        id=_new_id(), by="init", source="cloud", target="ollama", salt="salt"
    )
    return [*builds, defined]


def verified(as_of: int, verdict: str = "clean", lane: str = "ollama") -> VerifyEvidence:
    """Evidence of a verify."""
    different = {Finding.MISSING: 1} if verdict == "different" else {}
    return VerifyEvidence(
        id=_new_id(),
        by="ann",
        as_of=as_of,
        lane=lane,
        build=1,
        verdict=Verdict(verdict),
        documents=1,
        rows=1,
        counts=different,
    )


def live() -> Iterator[Command]:
    """What leads from stage off to live, if it comes right after `migration`."""
    yield StageSet(id=_new_id(), by="ann", reason="a test", force=True, to=Stage.DUALWRITE)
    yield verified(as_of=3)
    yield StageSet(id=_new_id(), by="ann", to=Stage.SHADOW)
    yield GateEvidence(id=_new_id(), by="ann", as_of=5, verdict=GateVerdict.SUCCESSFUL)
    yield StageSet(id=_new_id(), by="ann", to=Stage.LIVE)


async def control_log(commands: list[Command], *, key: bytes | None = None) -> MemoryLog:
    """A log with a control topic of these records."""
    log = MemoryLog()
    await log.create(TopicSpec("control", partitions=1, replication_factor=1))
    for command in commands:
        await send(log, command, key=key)
    return log


async def send(log: MemoryLog, command: Command, *, key: bytes | None = None) -> int:
    """Append a record as any Kafka client might; its offset."""
    value = command.encode() if key is None else sign(command.encode(), key)
    ((_, offset),) = await log.append([NewRecord("control", None, value)])
    return offset
