"""`hotswap worker`: one role in this process."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from typing import Annotated

import typer

from streams.cli import session

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Run one role until it is stopped.")


@app.command()
def normalise(context: typer.Context) -> None:
    """Turn change events into documents."""
    from streams.agents.roles import run_normalise

    raise typer.Exit(session.run(run_normalise(session.settings(context))))


@app.command()
def embed(
    context: typer.Context,
    lane: Annotated[str, typer.Argument(help="The lane to fill.")],
    *,
    build: Annotated[
        int | None,
        typer.Option(min=1, help="The build to fill; by default the one that serves."),
    ] = None,
) -> None:
    """Embed documents into one build of a lane. Ends by itself once that build is dropped."""
    from streams.agents.roles import run_embed

    raise typer.Exit(session.run(run_embed(session.settings(context), lane, build)))
