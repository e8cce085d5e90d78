"""A whole Hotswap of its own on the shared stack: tables, topics, lanes, worker processes."""

import asyncio
import os
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict

from schemas import (
    Command,
    DeadLetter,
    Stage,
    StageSet,
    Verdict,
    VerifyReport,
    WorkerReport,
    WorkerState,
)
from schemas.observation import parse_observation
from streams.config import Settings
from streams.config.load import load
from streams.core.dead_letters import LETTER_HEADER
from streams.core.identity import document_id
from streams.migration.state import State
from streams.migration.verdicts import Accepted
from streams.ports import Log, LogRecord, VectorStore
from streams.services.control import ControlLog
from streams.services.initialise import initialise
from streams.services.lag import lag_of_role
from streams.services.open import open_connect, open_embedder, open_log, open_store
from streams.services.verify_lane import verify_lane
from streams.stack.status import Endpoints
from tests.waiting import until

__all__ = ["System", "Worker", "new_system"]

LANES = ("cloud", "ollama")
KEY = "HOTSWAP_TEST_CLOUD_KEY"
DEADLINE = 120.0


class Worker:
    """One `hotswap worker` process."""

    def __init__(self, role: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.role = role
        self.process = process
        self.log = log

    async def kill(self) -> None:
        """SIGKILL, as a machine that loses power."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 60)


def _id() -> str:
    return str(uuid.uuid4())


class System:
    """Everything has a name of its own, so that tests share one stack and no state."""

    def __init__(self, endpoints: Endpoints, settings: Settings, folder: Path, name: str) -> None:
        self.endpoints = endpoints
        self.settings = settings
        self.folder = folder
        self.name = name
        self.log: Log = open_log(settings)
        self.store: VectorStore = open_store(settings)
        self.state = State()
        self.workers: list[Worker] = []

    # The application

    async def sql(self, statement: str, *rows: Sequence[object]) -> None:
        """Run a statement in the test's schema, once, or once for each row."""
        async with await psycopg.AsyncConnection.connect(
            self.endpoints.postgres_dsn, autocommit=True, options=f"-c search_path={self.name}"
        ) as connection:
            if not rows:
                await connection.execute(statement.encode())
                return
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(statement.encode(), rows)

    async def write(self, numbers: Sequence[int], text: str = "Text of article {}.") -> None:
        """Insert or rewrite articles."""
        await self.sql(
            "INSERT INTO articles (id, body) VALUES (%s, %s)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            *((number, text.format(number)) for number in numbers),
        )

    async def rows(self) -> set[str]:
        """The document ids that the database amounts to."""
        async with await psycopg.AsyncConnection.connect(
            self.endpoints.postgres_dsn, options=f"-c search_path={self.name}"
        ) as connection:
            articles = await (
                await connection.execute("SELECT id FROM articles WHERE btrim(body) <> ''")
            ).fetchall()
            parts = await (await connection.execute("SELECT book, number FROM parts")).fetchall()
        return {document_id("articles", row) for row in articles} | {
            document_id("parts", row) for row in parts
        }

    # Hotswap

    def configure(self, was: str, becomes: str) -> None:
        """Change the configuration of whatever starts from now on."""
        path = self.folder / "hotswap.toml"
        before = path.read_text()
        assert before.count(was) == 1, before
        path.write_text(before.replace(was, becomes))
        self.settings = load(path)

    async def hotswap(self, *arguments: str, status: int = 0) -> str:
        """Run the command line; its standard output."""
        process = await asyncio.create_subprocess_exec(
            *self._command(*arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
        said = f"{out.decode()}\n{err.decode()}"
        assert process.returncode == status, f"{arguments}: {process.returncode}\n{said}"
        return out.decode()

    async def started(self, *arguments: str) -> tuple[int, str]:
        """Run the command line, whatever comes of it; exit status and standard output."""
        process = await asyncio.create_subprocess_exec(
            *self._command(*arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await asyncio.wait_for(process.communicate(), DEADLINE)
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def init(self) -> None:
        """What `hotswap init` does, without its start, and then stage `dualwrite`."""
        async with AsyncExitStack() as exits:
            connect = open_connect(self.settings)
            exits.push_async_callback(connect.close)
            embedders = {lane: open_embedder(self.settings, lane) for lane in self.settings.lanes}
            for embedder in embedders.values():
                exits.push_async_callback(embedder.close)
            await initialise(self.settings, self.log, self.store, embedders, connect)
        await self.refresh()
        if self.state.stage is Stage.OFF:
            reason = "there is no preflight"
            await self.command(
                StageSet(id=_id(), by="test", to=Stage.DUALWRITE, force=True, reason=reason)
            )

    async def refresh(self) -> None:
        self.state = await ControlLog(self.log, self.settings.kafka.topics.control).refresh()

    async def command(self, command: Command) -> None:
        """Append a command that must be accepted."""
        control = ControlLog(self.log, self.settings.kafka.topics.control)
        verdict = (await control.append(command)).verdict
        assert isinstance(verdict, Accepted), verdict
        self.state = control.state

    async def worker(self, role: str) -> Worker:
        """Start a worker; it is killed at the end of the test if it still runs."""
        kind, lane, build = (*role.split(":"), "", "")[:3]
        words = [kind, *filter(None, [lane]), *(["--build", build] if build else [])]
        return await self._start(role, "worker", *words)

    async def serve(self) -> str:
        """Start `hotswap serve`; its address, once it is ready."""
        worker = await self._start("serve", "serve", "--port", "0")
        found: list[str] = []

        async def ready() -> bool:
            found[:] = re.findall(r"listening on (http://\S+)", worker.log.read_text())
            if not found:
                return False
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{found[0]}/readyz")).is_success

        await until(ready, "serve is ready", 60)
        return found[0]

    async def _start(self, role: str, *arguments: str) -> Worker:
        path = self.folder / f"{role.replace(':', '-')}-{len(self.workers)}.log"
        with path.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *self._command(*arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        worker = Worker(role, process, path)
        self.workers.append(worker)
        return worker

    async def all_workers(self) -> dict[str, Worker]:
        roles = ("normalise", *(f"embed:{lane}" for lane in LANES))
        return {role: await self.worker(role) for role in roles}

    def _command(self, *arguments: str) -> tuple[str, ...]:
        return (
            sys.executable,
            "-m",
            "streams.cli",
            "--config",
            str(self.folder / "hotswap.toml"),
            *arguments,
        )

    # What came of it

    def collection(self, lane: str) -> str:
        return self.state.lanes[lane].pinned.collection

    async def ids(self, lane: str) -> set[str]:
        return {row.id async for page in self.store.scan(self.collection(lane)) for row in page}

    async def lag(self, role: str) -> int:
        return sum((await lag_of_role(self.log, self.settings, role)).values())

    async def until_lane_holds(self, lane: str, least: int, seconds: float = DEADLINE) -> None:
        async def holds() -> bool:
            return await self.store.count(self.collection(lane)) >= least

        await until(holds, f"lane {lane} holds {least} rows", seconds)

    async def until_state(self, role: str, state: WorkerState, workers: int = 1) -> None:
        """Wait until so many workers of a role say that they are in a state."""

        async def reached() -> bool:
            last = {report.worker: report.state for report in await self.reports(role)}
            return sum(each is state for each in last.values()) >= workers

        await until(reached, f"{workers} workers of {role} are {state}", DEADLINE)

    async def until_converged(
        self, lanes: Sequence[str] = LANES, seconds: float = DEADLINE
    ) -> None:
        """Wait until lanes hold the database's ids and nobody has anything left to do."""

        async def converged() -> bool:
            wanted = await self.rows()
            for lane in lanes:
                if await self.ids(lane) != wanted or await self.lag(f"embed:{lane}"):
                    return False
            return not await self.lag("normalise")

        await until(converged, f"lanes {lanes} have converged", seconds, every=0.25)

    async def verify(self, lane: str) -> VerifyReport:
        control = ControlLog(self.log, self.settings.kafka.topics.control)
        verified = await verify_lane(
            self.settings, lane, control, self.log, self.store, wait_seconds=60.0
        )
        return verified.report

    async def must_be_clean(self, lanes: Sequence[str] = LANES) -> None:
        for lane in lanes:
            report = await self.verify(lane)
            assert report.verdict is Verdict.CLEAN, report.model_dump_json(indent=2)

    async def records(self, topic: str) -> list[LogRecord]:
        return [record async for page in self.log.read(topic) for record in page]

    async def letters(self) -> list[DeadLetter]:
        records = await self.records(self.settings.kafka.topics.dead_letters)
        return [
            DeadLetter.decode(dict(record.headers)[LETTER_HEADER])
            for record in records
            if LETTER_HEADER in dict(record.headers)
        ]

    async def reports(self, role: str) -> list[WorkerReport]:
        records = await self.records(self.settings.kafka.topics.observations)
        values = [record.value or b"" for record in records]
        every = [parse_observation(value) for value in values]
        return [one for one in every if isinstance(one, WorkerReport) and one.role == role]

    async def embedded(self, lane: str) -> int:
        """Texts that the lane's workers say they embedded until now, over all their lives."""
        asked = time.time_ns() // 1_000_000
        last: dict[str, WorkerReport] = {}

        async def up_to_date() -> bool:
            last.update({report.worker: report for report in await self.reports(f"embed:{lane}")})
            alive = sum(
                worker.role == f"embed:{lane}" and worker.process.returncode is None
                for worker in self.workers
            )
            return sum(report.at >= asked for report in last.values()) >= alive

        await until(up_to_date, f"every worker of {lane} has reported")
        return sum(report.counters.get("embedded", 0) for report in last.values())

    async def close(self) -> None:
        for worker in self.workers:
            await worker.kill()
        async with httpx.AsyncClient() as client:
            await client.delete(f"{self.endpoints.connect_url}/connectors/{self.name}")
        await self.refresh()
        for lane in self.state.lanes.values():
            for build in lane.builds.values():
                await self.store.drop(build.pinned.collection)
        await self.log.close()
        await self.store.close()
        await self._drop_replication()

    async def _drop_replication(self) -> None:
        slot = f"{self.name}_slot"
        async with await psycopg.AsyncConnection.connect(
            self.endpoints.postgres_dsn, autocommit=True
        ) as connection:

            async def dropped() -> bool:
                cursor = await connection.execute(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                    " WHERE slot_name = %s AND NOT active",
                    (slot,),
                )
                await cursor.fetchall()
                left = await connection.execute(
                    "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", (slot,)
                )
                return await left.fetchone() is None

            await until(dropped, f"replication slot {slot} is gone")


TABLES = """
CREATE SCHEMA {name};
CREATE TABLE {name}.articles (id integer PRIMARY KEY, body text, views integer DEFAULT 0);
CREATE TABLE {name}.parts (book text, number integer, body text, PRIMARY KEY (book, number));
ALTER TABLE {name}.articles REPLICA IDENTITY FULL;
"""

CONFIGURATION = """
[kafka]
bootstrap = "{bootstrap}"
group_prefix = "{name}"
session_timeout_seconds = 6
[kafka.topics]
documents = "{name}-documents"
control = "{name}-control"
observations = "{name}-observations"
dead_letters = "{name}-dead-letters"
documents_partitions = 3
[milvus]
uri = "{milvus}"
collection_prefix = "{name}"
[connect]
url = "{connect}"
connector = "{name}"
[connect.config]
"database.hostname" = "{host}"
"database.port" = "{port}"
"database.dbname" = "{dbname}"
"database.user" = "{user}"
"slot.name" = "{name}_slot"
"publication.name" = "{name}_publication"
"poll.interval.ms" = "50"
[migration]
full_hold_seconds = 0
[serve]
deadline_seconds = 30
total_seconds = 60
[[sources]]
name = "articles"
topic = "cdc.{name}.articles"
key = ["id"]
text = "{{body}}"
metadata = ["views"]
[[sources]]
name = "parts"
topic = "cdc.{name}.parts"
key = ["book", "number"]
text = "{{body}}"
[lanes.cloud]
provider = "openai"
base_url = "{cloud}"
model = "{cloud_model}"
dimensions = {cloud_dimensions}
api_key = {{ env = "{key}" }}
batch_records = 32
call_inputs = 16
[lanes.ollama]
provider = "ollama"
hosts = ["{ollama}"]
model = "{ollama_model}"
batch_records = 16
call_inputs = 8
"""


@asynccontextmanager
async def new_system(endpoints: Endpoints, folder: Path) -> AsyncIterator[System]:
    """A system with empty tables; `init` is left to the test."""
    name = f"t{uuid.uuid4().hex[:10]}"
    database = conninfo_to_dict(endpoints.postgres_dsn)
    (folder / "hotswap.toml").write_text(
        CONFIGURATION.format(
            name=name,
            bootstrap=endpoints.kafka_bootstrap,
            milvus=endpoints.milvus_uri,
            connect=endpoints.connect_url,
            cloud=endpoints.cloud_url,
            cloud_model=endpoints.cloud_model,
            cloud_dimensions=endpoints.cloud_dimensions,
            ollama=endpoints.ollama_url,
            ollama_model=endpoints.ollama_model,
            key=KEY,
            **{field: database[field] for field in ("host", "port", "dbname", "user")},
        )
    )
    os.environ[KEY] = endpoints.cloud_api_key
    async with await psycopg.AsyncConnection.connect(endpoints.postgres_dsn) as connection:
        await connection.execute(TABLES.format(name=name).encode())
    system = System(endpoints, load(folder / "hotswap.toml"), folder, name)
    try:
        yield system
    finally:
        await system.close()
