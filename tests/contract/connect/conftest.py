"""Kafka Connect with a connector that it can run: each test runs over every adapter."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from streams.adapters.connect import ConnectClient
from streams.adapters.memory_connect import MemoryConnect
from streams.config import ConnectConfig
from streams.ports import Connect
from streams.services.connector import POSTGRES


@dataclass
class Rig:
    connect: Connect
    config: dict[str, str]
    secrets: dict[str, SecretStr]
    name: str = field(default_factory=lambda: f"contract_{uuid.uuid4().hex[:12]}")

    async def register(self, **changes: str) -> None:
        changed = {key.replace("_", "."): value for key, value in changes.items()}
        await self.connect.put(self.name, {**self.config, **changed}, self.secrets)


@pytest.fixture
async def kafka_connect(request) -> AsyncIterator[Rig]:
    endpoints = request.getfixturevalue("stack").endpoints()
    database = urlsplit(endpoints.postgres_dsn)
    connect = ConnectClient(ConnectConfig(url=endpoints.connect_url))
    rig = Rig(
        connect,
        {
            "connector.class": POSTGRES,
            "topic.prefix": f"contract_{uuid.uuid4().hex[:12]}",
            "plugin.name": "pgoutput",
            "database.hostname": database.hostname or "",
            "database.port": str(database.port),
            "database.user": database.username or "",
            "database.dbname": database.path.removeprefix("/"),
            "snapshot.mode": "no_data",
            "slot.drop.on.stop": "true",
        },
        {"database.password": SecretStr(database.password or "any")},
    )
    rig.config["slot.name"] = rig.config["publication.name"] = rig.name
    yield rig
    await connect.delete(rig.name)
    await connect.close()


@pytest.fixture(params=["memory", pytest.param("kafka_connect", marks=pytest.mark.stack)])
def rig(request) -> Rig:
    if request.param == "memory":
        secrets = {"database.password": SecretStr("any")}
        return Rig(MemoryConnect([POSTGRES]), {"connector.class": POSTGRES}, secrets)
    rig: Rig = request.getfixturevalue(request.param)
    return rig
