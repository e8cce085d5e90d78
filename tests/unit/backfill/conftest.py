"""The command line over systems in memory, as the other commands' tests have it."""

from tests.unit.cli.conftest import hotswap, initialised, systems

__all__ = ["hotswap", "initialised", "systems"]
