"""The `hotswap` command: global options, and where each command lives."""

import logging
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated

import typer

from streams.cli import (
    adopt,
    backfill,
    build,
    config,
    dead_letters,
    demo,
    flag,
    gate,
    history,
    init,
    lanes,
    orders,
    plan,
    preflight,
    quality,
    retire,
    search,
    serve,
    status,
    up,
    verify,
    worker,
)
from streams.cli.exits import EPILOG
from streams.cli.group import HotswapGroup
from streams.cli.lazy import BenchGroup, StackGroup
from streams.cli.session import Options
from streams.services import lifeline

__all__ = ["app", "main"]

app = typer.Typer(
    name="hotswap",
    cls=HotswapGroup,
    no_args_is_help=True,
    epilog=EPILOG,
    # Typer's own tracebacks show local variables, and secrets may be among them.
    pretty_exceptions_enable=False,
    help="Move the vectors of a live Milvus from one embedding model to another.",
)


def _version(asked: bool) -> None:  # noqa: FBT001 (Typer calls it)
    if asked:
        try:
            installed = package_version("hotswap")
        except PackageNotFoundError:
            installed = "from a source tree"
        typer.echo(f"hotswap {installed}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="The configuration; otherwise $HOTSWAP_CONFIG, otherwise ./hotswap.toml.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more, and show where errors came from.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What stands before the command."""
    del version
    context.obj = Options(config, verbose)
    _log(verbose=verbose, works=context.invoked_subcommand in {"serve", "up", "worker"})


def _log(*, verbose: bool, works: bool) -> None:
    """Logs go to standard error: of a worker its life, of other commands only what is wrong."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    if works:
        logging.getLogger("streams").setLevel(logging.INFO)
    elif not verbose:
        # What aiokafka logs as an error is also raised, and then told once and better.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        # Every command folds the whole log; what was not obeyed in it stands in `history`.
        logging.getLogger("streams.services.control").setLevel(logging.ERROR)


app.add_typer(
    typer.Typer(
        cls=StackGroup,
        no_args_is_help=True,
        help="Run Kafka, Connect, Postgres, Milvus and embedders on this machine, without Docker.",
    ),
    name="stack",
)
app.command("demo")(demo.command)
app.command("init")(init.command)
app.command("preflight")(preflight.command)
app.command("plan")(plan.command)
app.command("up")(up.command)
app.add_typer(worker.app, name="worker")
app.add_typer(build.app, name="build")
app.command("status")(status.command)
app.command("stage")(orders.stage)
app.command("ramp")(orders.ramp)
app.command("rollback")(orders.rollback)
app.command("reopen")(orders.reopen)
app.command("retire")(retire.command)
app.add_typer(flag.app, name="flag")
app.command("pause")(lanes.pause)
app.command("resume")(lanes.resume)
app.command("throttle")(lanes.throttle)
app.command("history")(history.command)
app.command("backfill")(backfill.command)
app.command("verify")(verify.command)
app.command("adopt")(adopt.command)
app.command("quality")(quality.command)
app.command("gate")(gate.command)
app.command("search")(search.command)
app.command("serve")(serve.command)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(config.app, name="config")
app.add_typer(
    typer.Typer(
        cls=BenchGroup,
        no_args_is_help=True,
        help="Measure speed, against references taken in the same run.",
    ),
    name="bench",
)


def main() -> None:
    """Run the command line; ends the process with a status of `streams.cli.exits`."""
    lifeline.hold_on()
    app()
