"""The services of docker-compose.yml that are Hotswap's own, as processes of this machine.

Each runs the command, the environment and the health check that stand there, with the containers'
configuration; only where the parts of the stack are is said anew. So most of what the containers
do is known without an engine.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
import tomllib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg.conninfo import conninfo_to_dict

from streams.config.load import load as load_settings
from streams.stack import Endpoints
from tests.compose_file import ROOT, interpolated, is_once, load
from tests.integration.system import System
from tests.waiting import until

__all__ = ["Composed", "composed"]

CONFIGURATION = ROOT / "ops/docker/hotswap.toml"
SERVICES: dict[str, dict[str, Any]] = {
    name: service
    for name, service in load(ROOT / "docker-compose.yml")["services"].items()
    if service["image"].startswith("hotswap:")
}
GRACE_SECONDS = 30
"""Their `stop_grace_period`."""


class Composed:
    """Hotswap's services over the parts of a stack; `tests.integration.first_look.Running`.

    Args:
        endpoints: of the parts.
        folder: for logs.
    """

    def __init__(self, endpoints: Endpoints, folder: Path) -> None:
        self.name = f"t{uuid.uuid4().hex[:10]}"
        self.token = secrets.token_urlsafe(24)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.elsewhere = _elsewhere(endpoints, self.name, port)
        with patch.dict(os.environ, self.elsewhere):
            self._system = System(endpoints, load_settings(CONFIGURATION), folder, self.name)
        self._variables = _variables(endpoints) | {"HOTSWAP_SERVE_TOKEN": self.token}
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def up(self) -> None:
        """As `docker compose up --wait`: `init` to its end, then the others until all are well."""
        tables = (ROOT / "ops/docker/source.sql").read_text()
        await self.sql(f"CREATE SCHEMA {self.name}; {tables}")
        status, _ = await self._run("init", "-m", "streams.cli", *SERVICES["init"]["command"])
        assert status == 0, self.log("init").read_text()
        for name, service in SERVICES.items():
            if not is_once(service):
                command = ("-m", "streams.cli", *service["command"])
                self._running[name] = await self._start(name, *command)
        for name in self._running:
            await self.until_healthy(name)

    async def stop(self) -> dict[str, int]:
        """As `docker compose stop`; the exit status of each service."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        ends = (asyncio.wait_for(one.wait(), GRACE_SECONDS) for one in self._running.values())
        return dict(zip(self._running, await asyncio.gather(*ends), strict=True))

    async def until_healthy(self, service: str) -> None:
        """Wait until the service's own health check passes."""
        _, python, *check = SERVICES[service]["healthcheck"]["test"]
        assert python == "python"

        async def healthy() -> bool:
            assert self._running[service].returncode is None, "it has ended"
            status, _ = await self._run(service, *check)
            return status == 0

        try:
            await until(healthy, f"{service} is healthy", 90, every=0.5)
        except AssertionError as error:
            error.add_note(self.log(service).read_text())
            raise

    async def hotswap(self, *arguments: str) -> tuple[int, str]:
        """The command line, as the service `cli` has it."""
        return await self._run("cli", "-m", "streams.cli", *arguments)

    async def sql(self, statement: str) -> None:
        """Run statements in this system's schema."""
        async with await psycopg.AsyncConnection.connect(
            self._system.endpoints.postgres_dsn,
            autocommit=True,
            options=f"-c search_path={self.name}",
        ) as connection:
            await connection.execute(statement.encode())

    def log(self, service: str) -> Path:
        """What the service, its health checks and its commands printed."""
        return self._system.folder / f"{service}.log"

    async def close(self) -> None:
        """End what still runs, and take away what was made on the stack."""
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)  # its children would survive a SIGKILL
                await process.wait()
        await self._system.close()

    async def _start(self, service: str, *arguments: str) -> asyncio.subprocess.Process:
        with self.log(service).open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env=self._environment(service),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def _run(self, service: str, *arguments: str) -> tuple[int, str]:
        with self.log(service).open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env=self._environment(service),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode is not None
        return process.returncode, out.decode()

    def _environment(self, service: str) -> dict[str, str]:
        """What Compose would give it, and no secret besides."""
        machine = {name: value for name, value in os.environ.items() if name not in self._variables}
        given = {
            name: interpolated(str(value), self._variables)
            for name, value in SERVICES[service]["environment"].items()
        }
        return machine | {"HOTSWAP_CONFIG": str(CONFIGURATION)} | given | self.elsewhere


@asynccontextmanager
async def composed(endpoints: Endpoints, folder: Path) -> AsyncIterator[Composed]:
    """The services, healthy; gone afterwards."""
    made = Composed(endpoints, folder)
    try:
        await made.up()
        yield made
    finally:
        await made.close()


def _variables(at: Endpoints) -> dict[str, str]:
    """What .env would say."""
    return {
        "CLOUD_BASE_URL": at.cloud_url,
        "CLOUD_MODEL": at.cloud_model,
        "CLOUD_DIMENSIONS": str(at.cloud_dimensions),
        "OLLAMA_MODEL": at.ollama_model,
        "OPENAI_API_KEY": at.cloud_api_key,
        "POSTGRES_PASSWORD": "not asked for",
    }


def _elsewhere(at: Endpoints, name: str, port: int) -> dict[str, str]:
    """Settings of this machine instead of the containers', and names that nobody else uses."""
    database = conninfo_to_dict(at.postgres_dsn)
    connector = {f"database.{field}": database[field] for field in ("port", "dbname", "user")}
    connector |= {
        "database.hostname": database["host"],
        "slot.name": f"{name}_slot",
        "publication.name": f"{name}_publication",
    }
    topics = ("documents", "control", "observations", "dead_letters")
    sources = tomllib.loads(CONFIGURATION.read_text())["sources"]
    for source in sources:
        source["topic"] = source["topic"].replace(".public.", f".{name}.")
    return {
        "HOTSWAP__KAFKA__BOOTSTRAP": at.kafka_bootstrap,
        "HOTSWAP__KAFKA__GROUP_PREFIX": name,
        "HOTSWAP__KAFKA__TOPICS": json.dumps({topic: f"{name}-{topic}" for topic in topics}),
        "HOTSWAP__MILVUS__URI": at.milvus_uri,
        "HOTSWAP__MILVUS__COLLECTION_PREFIX": name,
        "HOTSWAP__CONNECT__URL": at.connect_url,
        "HOTSWAP__CONNECT__CONNECTOR": name,
        "HOTSWAP__CONNECT__CONFIG": json.dumps(connector),
        "HOTSWAP__LANES__OLLAMA__HOSTS": json.dumps([at.ollama_url]),
        "HOTSWAP__SERVE__HOST": "127.0.0.1",
        "HOTSWAP__SERVE__PORT": str(port),
        "HOTSWAP__SOURCES": json.dumps(sources),
    }
