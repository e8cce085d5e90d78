"""`hotswap bench`: how fast everything is, against references taken in the same run."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session
from streams.cli.exits import Exit
from streams.stack.errors import StackError

if TYPE_CHECKING:
    from streams.bench.measure import Measure
    from streams.bench.rounds import Progress
    from streams.stack import Endpoints

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Measure speed, against references taken in the same run."
)
_lane = typer.Typer(no_args_is_help=True, help="A lane, against what its embedder allows.")
app.add_typer(_lane, name="lane")

Documents = Annotated[
    int | None,
    typer.Option("--documents", min=20, help="In each run; every bench has its own default."),
]
Orders = Annotated[int | None, typer.Option("--orders", min=20, help="How many are given.")]
Searches = Annotated[int | None, typer.Option("--searches", min=20, help="In each run.")]
Home = Annotated[
    Path,
    typer.Option(
        "--home",
        file_okay=False,
        help="The folder of a stack of the bench's own, with only the parts it needs. They are"
        " ended afterwards.",
    ),
]
Running = Annotated[
    Path | None,
    typer.Option("--stack", file_okay=False, help="Use the stack that runs in this folder."),
]
_HERE = Path(".hotswap/bench")


@_lane.command()
def ollama(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """The Ollama lane, to a bare client loop in batches of 32."""
    _bench(["lane ollama"], documents, home, stack, json=json)


@_lane.command()
def cloud(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """The cloud lane, to its budget's ceiling and to one record at a time."""
    _bench(["lane cloud"], documents, home, stack, json=json)


@app.command()
def pipeline(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """Kafka, lane and Milvus with an embedder that answers at once, to their slower end."""
    _bench(["pipeline"], documents, home, stack, json=json)


@app.command()
def normalise(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """The normaliser, to a consume-decode-produce loop written by hand."""
    _bench(["normalise"], documents, home, stack, json=json)


@app.command()
def replay(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """A replay of unchanged documents, to the cold run; and its embedding calls."""
    _bench(["replay"], documents, home, stack, json=json)


@app.command()
def control(
    *,
    orders: Orders = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """An order on the control log until it acts in every process, to 100 ms."""
    _bench(["control"], orders, home, stack, json=json)


@app.command()
def serve(
    *,
    searches: Searches = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """Search over HTTP, to embedding and searching by hand; and with the mirror, to without."""
    _bench(["serve"], searches, home, stack, json=json)


@app.command()
def verify(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """A verification, to one bare pass over the collection; and its memory."""
    _bench(["verify"], documents, home, stack, json=json)


@app.command(name="yield")
def yielding(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """Queries while the Ollama lane is filled and yields to them, to one that does not yield."""
    _bench(["yield"], documents, home, stack, json=json)


@app.command(name="all")
def every(
    *,
    documents: Documents = None,
    home: Home = _HERE,
    stack: Running = None,
    json: session.Json = False,
) -> None:
    """All of them, one after the other. Takes some minutes."""
    from streams.bench.suite import BENCHES

    _bench(list(BENCHES), documents, home, stack, json=json)


def _bench(
    names: Sequence[str], documents: int | None, home: Path, stack: Path | None, *, json: bool
) -> None:
    """Run benches, print what they found, and end with a status that tells whether it is enough."""
    from streams.bench.suite import parts_of
    from streams.cli.bench_view import BenchProgress, measures

    with (
        _endpoints(parts_of(names), home, stack) as endpoints,
        BenchProgress(output.messages()) as progress,
    ):
        found = session.run(_run(names, documents, endpoints, progress))
    if json:
        output.print_json(found)
    else:
        output.console().print(measures(found))
    raise typer.Exit(Exit.OK if all(each.ok for each in found) else Exit.FAILED)


async def _run(
    names: Sequence[str], documents: int | None, endpoints: "Endpoints", progress: "Progress"
) -> "list[Measure]":
    from streams.bench.suite import BENCHES

    found: list[Measure] = []
    for name in names:
        bench = BENCHES[name]
        found += await bench.run(endpoints, documents or bench.documents, progress)
    return found


@contextmanager
def _endpoints(parts: Sequence[str], home: Path, running: Path | None) -> "Iterator[Endpoints]":
    """A running stack, or one that runs for as long as the block."""
    from streams.cli.stack_view import Progress
    from streams.stack import Stack

    if running is not None:
        yield _running(parts, running)
        return
    stack = Stack(home, die_with=os.getpid())
    try:
        with Progress(output.messages()) as progress:
            endpoints = stack.up(parts, on_event=progress.show)
        yield endpoints
    finally:
        stack.down()


def _running(parts: Sequence[str], home: Path) -> "Endpoints":
    from streams.stack import Stack

    there = (home / "state.json").exists()
    status = Stack(home).status() if there else None
    states = {part.part: part.state for part in status.parts} if status else {}
    missing = [part for part in parts if states.get(part) != "running"]
    if status is None or missing:
        raise StackError(
            "stack",
            f"in {home} there runs no {', no '.join(missing)};"
            f" to start them: hotswap stack up {' '.join(missing)} --home {home}",
        )
    return status.endpoints
