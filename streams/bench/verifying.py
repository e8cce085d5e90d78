"""`python -m streams.bench.verifying`: one verification in a process of its own, for its memory.

Reads what to verify as one line of JSON from standard input, and prints the bytes by which its
resident memory grew at the most, and whether the verdict was clean. Linux only: that is where the
kernel tells a process's present size.
"""

import asyncio
import sys
from pathlib import Path

import orjson
from pydantic import BaseModel

from schemas import Fingerprint
from streams.adapters.kafka_log import KafkaLog
from streams.adapters.milvus_store import MilvusStore
from streams.config import KafkaConfig, MilvusConfig
from streams.services.verification import verify

__all__ = ["Asked", "measured"]

_KIB = 1024


class Asked(BaseModel):
    """What to verify."""

    kafka: KafkaConfig
    milvus: MilvusConfig
    collection: str
    fingerprint: Fingerprint
    group: str
    vectors: bool


async def measured(asked: Asked) -> dict[str, object]:
    """Verify once; `bytes` more at the peak than with everything connected, and the `verdict`."""
    log, store = KafkaLog(asked.kafka), MilvusStore(asked.milvus, None)
    try:
        await log.ends(asked.kafka.topics.documents)
        await store.count(asked.collection)
        before = _status("VmRSS")
        report = await verify(
            lane="measured",
            collection=asked.collection,
            fingerprint=asked.fingerprint,
            group=asked.group,
            topics=asked.kafka.topics,
            log=log,
            store=store,
            wait_seconds=0,
            on_progress=lambda _progress: None,
            vectors=asked.vectors,
        )
        return {"bytes": _status("VmHWM") - before, "verdict": report.verdict}
    finally:
        await log.close()
        await store.close()


def _status(name: str) -> int:
    """A size of this process in bytes. `getrusage` would tell the peak of its parent, too."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * _KIB
    raise LookupError(name)


if __name__ == "__main__":
    found = asyncio.run(measured(Asked.model_validate_json(sys.stdin.buffer.readline())))
    sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
