"""`hotswap stack`: start, end and look at the embedded stack."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session
from streams.stack.errors import StackError
from streams.stack.status import PARTS

if TYPE_CHECKING:
    from streams.stack import Stack

__all__ = ["app"]

app = typer.Typer(
    help="Kafka, Connect, Postgres, Milvus and embedders on this machine, without Docker.",
    no_args_is_help=True,
)

Home = Annotated[
    Path,
    typer.Option("--home", envvar="HOTSWAP_HOME", file_okay=False, help="The stack's folder."),
]
_HERE = Path(".hotswap")


def _known(value: str | None) -> str | None:
    if value is not None and value not in PARTS:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(PARTS)}")
    return value


def _all_known(values: list[str] | None) -> list[str] | None:
    for value in values or ():
        _known(value)
    return values or None


@app.command()
def up(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PART]…", callback=_all_known, help=f"{', '.join(PARTS)}; all by default."
        ),
    ] = None,
    *,
    home: Home = _HERE,
    fast_compaction: Annotated[
        bool,
        typer.Option("--fast-compaction", help="Let Kafka compact topics within seconds."),
    ] = False,
    json: session.Json = False,
) -> None:
    """Start what does not run yet, with what it needs, and print where everything is.

    Ctrl-C ends what this command has started, and nothing else.
    """
    from streams.cli.stack_view import Progress, summary

    stack = _stack(home, fast_compaction=fast_compaction)
    with Progress(output.messages()) as progress, _interrupted_once():
        stack.up(parts, on_event=progress.show)
    if json:
        output.print_json(stack.status())
    else:
        output.console().print(summary(stack.status()))


@app.command()
def down(*, home: Home = _HERE) -> None:
    """End all parts. Their data stays, for the next `up`."""
    from streams.cli.stack_view import Progress

    with Progress(output.messages()) as progress:
        _stack(_existing(home)).down(on_event=progress.show)


@app.command()
def status(*, home: Home = _HERE, json: session.Json = False) -> None:
    """Print which parts run, and where everything is."""
    from streams.cli.stack_view import summary

    found = _stack(_existing(home)).status()
    if json:
        output.print_json(found)
    else:
        output.console().print(summary(found))


@app.command()
def logs(
    part: Annotated[
        str | None,
        typer.Argument(callback=_known, help=f"{', '.join(PARTS)}; all by default."),
    ] = None,
    *,
    home: Home = _HERE,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many lines of each log.")
    ] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="And what is added, until Ctrl-C.")
    ] = False,
) -> None:
    """Print the end of one log, or of all with the part before each line."""
    from streams.cli.stack_logs import print_logs

    stack = _stack(_existing(home))
    chosen = PARTS if part is None else (part,)
    print_logs({name: stack.log(name) for name in chosen}, lines=lines, follow=follow)


def _stack(home: Path, *, fast_compaction: bool = False) -> "Stack":
    from streams.stack import Stack

    return Stack(home, fast_compaction=fast_compaction)


def _existing(home: Path) -> Path:
    if not (home / "state.json").exists():
        raise StackError("stack", f"there is none in {home}; to start one: hotswap stack up")
    return home


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, and take only the first: the rest would disturb the cleaning up."""

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
