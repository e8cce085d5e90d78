"""`--dry-run` on everything that changes state: what lacks it is named here, with its reason."""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from streams.cli.main import app

LOOKS = {
    *("plan", "status", "history", "search", "flag get", "flag history"),
    *("dead-letters list", "dead-letters show"),
    *("config check", "config show", "config reference", "config example"),
}
"""Change nothing."""
RUNS = {"up", "serve", "worker", "demo", "stack", "bench"}
"""Are the work itself, or run systems of their own."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each command with its words, but those of the groups that are `RUNS`."""
    if isinstance(command, TyperGroup) and " ".join(path) not in RUNS:
        for name, one in command.commands.items():
            yield from commands(one, (*path, name))
    else:
        yield " ".join(path), command


def test_whatever_changes_state_can_be_rehearsed():
    without = {
        words
        for words, command in commands(get_command(app))
        if not any("--dry-run" in parameter.opts for parameter in command.params)
    }
    assert without == LOOKS | RUNS
