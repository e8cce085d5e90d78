"""Ctrl-C in the middle of long work: it ends, closes what it opened, and records nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from streams.adapters.memory_foreign import MemoryForeign
from streams.cli.exits import Exit
from streams.ports import ForeignRow, ForeignShape, ScannedRow
from streams.services import open as opening
from tests.unit.cli.conftest import Hotswap, Systems
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import control_end, walk
from tests.unit.preflight.systems import MemoryInspector, database, listening_to

FORCED = ("--force", "--reason", "a test")
TEXTS = ["one", "two", "three"]
ADOPT = "adopt --collection old --id-field doc --vector-field vec"


async def interrupted(*_arguments: object, **_options: object) -> None:
    """A call in which somebody presses Ctrl-C, and which would last for ever."""
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.Event().wait()


async def interrupted_pages(
    *_arguments: object, **_options: object
) -> AsyncIterator[Sequence[ScannedRow]]:
    await interrupted()
    yield []


@pytest.fixture
def complete(hotswap: Hotswap, initialised: Systems, tmp_path: Path) -> Systems:
    """Stage complete and the source lane paused; of three documents each lane lacks one."""
    rows = now(rows_of(initialised.log, initialised.embedders["cloud"], TEXTS))
    vectors = now(initialised.embedders["ollama"].embed(TEXTS))
    others = [replace(row, embedding=one) for row, one in zip(rows, vectors, strict=True)]
    cloud, ollama = now(initialised.store.collections())
    now(initialised.store.upsert(cloud, rows))
    now(initialised.store.upsert(ollama, others))
    walk(hotswap, initialised, "ramp 100")
    for step in ("rampdown", "complete"):
        assert hotswap("stage", step, *FORCED).status == Exit.OK
    assert hotswap("pause", "cloud", *FORCED).status == Exit.OK
    for collection in (cloud, ollama):
        now(initialised.store.delete(collection, ["articles/0"]))
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "one"}\n')
    return initialised


@dataclass
class Ports:
    """Names of the ports that a command has opened, and of those that it has closed."""

    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)


@pytest.fixture
def ports(complete: Systems, monkeypatch) -> Ports:
    """Everything that a command can open, counted."""
    counted = Ports()

    def counting(name: str, open_port: Callable[..., object]) -> Callable[..., object]:
        async def close() -> None:
            counted.closed.append(name)

        def opened(*arguments: object, **options: object) -> object:
            port = open_port(*arguments, **options)
            counted.opened.append(name)
            monkeypatch.setattr(port, "close", close)
            return port

        return opened

    source, old = database(), foreign_of(complete)
    monkeypatch.setattr(opening, "open_database", lambda _settings: source)
    monkeypatch.setattr(opening, "open_foreign", lambda *_: old)
    for name in ("log", "store", "embedder", "connect", "database", "foreign"):
        opened = counting(name, getattr(opening, f"open_{name}"))
        monkeypatch.setattr(opening, f"open_{name}", opened)
    monkeypatch.setattr(
        "streams.services.preflight.milvus.open_inspector",
        counting("inspector", lambda _settings: MemoryInspector(complete.store)),
    )
    monkeypatch.setattr("streams.services.wire.listening", listening_to(complete.embedders))
    return counted


def foreign_of(systems: Systems) -> MemoryForeign:
    """What the cloud lane lacks, in a collection that others made."""
    vectors = now(systems.embedders["cloud"].embed(TEXTS[:1]))
    return MemoryForeign(
        "old", ForeignShape(numbers=True, dimensions=8), [ForeignRow(0, vectors[0])]
    )


@pytest.fixture
def interrupt(request, complete: Systems, ports: Ports, monkeypatch) -> Ports:
    """Make a call, such as `store.upsert`, the one in which Ctrl-C is pressed."""
    port, call = request.param.split(".")
    asked = complete.store if port == "store" else complete.embedders[port]
    monkeypatch.setattr(asked, call, interrupted_pages if call == "scan" else interrupted)
    return ports


@pytest.mark.parametrize(
    ("command", "interrupt"),
    [
        ("preflight", "ollama.embed"),
        ("plan", "ollama.embed"),
        ("verify", "store.scan"),
        ("verify ollama --repair", "store.upsert"),
        ("quality --queries queries.jsonl --pictures none", "store.search"),
        (ADOPT, "store.upsert"),
        ("retire cloud --yes --force --reason over", "store.scan"),
    ],
    indirect=["interrupt"],
)
def test_ctrl_c_ends_it_with_its_own_status_and_leaves_nothing_open_or_recorded(
    hotswap, systems, interrupt, command
):
    end = control_end(systems)
    ended = hotswap(*command.split())
    assert (ended.status, ended.err) == (Exit.INTERRUPTED, "interrupted\n"), ended.out
    assert sorted(interrupt.closed) == sorted(interrupt.opened) != []
    assert control_end(systems) == end
