"""The ways to name a configuration, and what they lead to."""

from pathlib import Path

from streams.config import Settings
from streams.config.load import load

__all__ = ["Configuration", "settings_of"]

Configuration = Settings | Path | str | None
"""Settings, or the path of a `hotswap.toml`; None: as the command line finds it."""


def settings_of(configuration: Configuration) -> Settings:
    """The settings that `configuration` stands for.

    Raises: ConfigurationError.
    """
    if isinstance(configuration, Settings):
        return configuration
    return load(None if configuration is None else Path(configuration))
