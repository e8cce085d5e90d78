"""`python -m streams.bench.following`: one process that follows a control log, for a bench.

Reads `[kafka]` as one line of JSON from standard input and follows as every role does. Says so
in one line when it has caught up. At the next line it waits for the log's end as it is then,
and prints offset → the moment from which on the record was in force here; at the end of its
input it ends without a word, so that it never outlives who started it.
"""

import asyncio
import sys
import time
from typing import BinaryIO

import orjson

from streams.adapters.kafka_log import KafkaLog
from streams.config.kafka import KafkaConfig
from streams.migration.fold import Folded
from streams.migration.verdicts import Accepted
from streams.ports import Log
from streams.services.follower import Follower

__all__ = ["READY", "Effects", "follow"]

READY = b"ready\n"
_PATIENCE_SECONDS = 30.0


class Effects:
    """Notes when records came into force in this process.

    Attributes:
        moments: offset of each accepted record → ns of the clock that all processes of this
            machine share.
    """

    def __init__(self) -> None:
        self.moments: dict[int, int] = {}

    def note(self, folded: Folded) -> None:
        """Told right after the follower's state has become the one with this record."""
        if isinstance(folded.verdict, Accepted):
            self.moments[folded.offset] = time.monotonic_ns()


async def follow(log: Log, topic: str, asked: BinaryIO, said: BinaryIO) -> None:
    """Follow the topic as the module says.

    Args:
        log: where the topic is.
        topic: its name.
        asked: standard input.
        said: standard output.

    Raises: TransientError, DriftError, ConfigurationError; TimeoutError if the end of the log
        can not be reached.
    """
    effects = Effects()
    async with Follower(log, topic, on_folded=effects.note) as follower:
        await follower.caught_up()
        _say(said, READY)
        if not await asyncio.to_thread(asked.readline):
            return
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await follower.refresh()
        _say(said, orjson.dumps(effects.moments, option=orjson.OPT_NON_STR_KEYS) + b"\n")


def _say(said: BinaryIO, line: bytes) -> None:
    said.write(line)
    said.flush()


async def _main() -> None:
    config = KafkaConfig.model_validate_json(sys.stdin.buffer.readline())
    log = KafkaLog(config)
    try:
        await follow(log, config.topics.control, sys.stdin.buffer, sys.stdout.buffer)
    finally:
        await log.close()


if __name__ == "__main__":
    asyncio.run(_main())
