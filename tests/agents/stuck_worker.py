"""A worker whose work blocks its event loop: `python -m tests.agents.stuck_worker TOPIC GROUP`.

Reads the settings as JSON from standard input.
"""

import asyncio
import sys
import time

from streams.adapters.kafka_log import KafkaLog
from streams.config import Settings
from tests.agents.conftest import Bench, Script


async def main(topic: str, group: str) -> int:
    settings = Settings.model_validate_json(sys.stdin.read())
    log = KafkaLog(settings.kafka)
    stuck = Script(before=lambda _records: time.sleep(3_600))
    async with Bench(log, settings, topic, group).worker(stuck) as running:
        return await running


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
