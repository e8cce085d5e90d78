"""`hotswap config`: what the configuration says, and whether it can be right."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import typer

from streams.cli import output, session

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at the configuration.")


@app.command()
def check(context: typer.Context, *, json: session.Json = False) -> None:
    """Look for mistakes without asking any other system: settings, secrets, files."""
    from streams.config.check import problems, secrets
    from streams.config.load import locate
    from streams.config.problems import as_one
    from streams.services.connector import connector_config

    settings = session.settings(context)
    file, _ = locate(session.options(context).config)
    if settings.connect.config:
        connector_config(settings)
    found = problems(settings)
    if found:
        raise as_one(str(file), found)
    references = secrets(settings)
    if json:
        output.print_json(
            {
                "file": str(file),
                "sources": [source.name for source in settings.sources],
                "lanes": list(settings.lanes),
                "secrets": [secret.setting for secret in references],
                "problems": [],
            }
        )
        return
    output.console().print(
        f"{file}: no mistakes; {len(settings.sources)} sources, {len(settings.lanes)} lanes,"
        f" {len(references)} secrets found",
        markup=False,
    )


@app.command()
def show(context: typer.Context, *, json: session.Json = False) -> None:
    """Print every setting as it is in force; of secrets, where they are."""
    from streams.config.check import visible

    shown = visible(session.settings(context))
    if json:
        output.print_json(shown)
        return
    rows = list(_flat("", shown))
    output.console().print(output.table(("setting", "value"), rows))


@app.command()
def reference() -> None:
    """Print all settings with their defaults, as Markdown."""
    from streams.config.reference import reference as page

    typer.echo(page(), nl=False)


@app.command()
def example() -> None:
    """Print a commented configuration to start from."""
    from streams.config.reference import example as text

    typer.echo(text(), nl=False)


def _flat(path: str, value: object) -> list[tuple[str, str]]:
    """Rows of dotted name and value; a secret is one row."""
    if isinstance(value, dict) and "resolves" not in value:
        return [row for key, entry in value.items() for row in _flat(f"{path}.{key}", entry)]
    if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return [row for i, entry in enumerate(value) for row in _flat(f"{path}[{i}]", entry)]
    if isinstance(value, dict):
        where = next(f"{kind} {value[kind]}" for kind in ("env", "file") if kind in value)
        value = f"{where} ({'found' if value['resolves'] else 'NOT FOUND'})"
    return [(path.removeprefix("."), "" if value is None else str(value))]
