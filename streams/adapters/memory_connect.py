"""Kafka Connect in memory: keeps configurations and runs nothing, for tests and trials."""

from collections.abc import Collection, Mapping

from pydantic import SecretStr

from streams.errors import ConfigurationError
from streams.ports import ConnectorStatus

__all__ = ["MemoryConnect"]


class MemoryConnect:
    """Implements `streams.ports.Connect`.

    Attributes:
        failing: name → why the connector's task fails, until a restart.
    """

    def __init__(self, classes: Collection[str]) -> None:
        self.failing: dict[str, str] = {}
        self._classes = frozenset(classes)
        self._configs: dict[str, dict[str, str]] = {}

    async def plugins(self) -> frozenset[str]:
        """See `streams.ports.Connect.plugins`."""
        return self._classes

    async def get(self, name: str) -> dict[str, str] | None:
        """See `streams.ports.Connect.get`. Like the real one, it adds the name."""
        found = self._configs.get(name)
        return None if found is None else {**found, "name": name}

    async def put(
        self, name: str, config: Mapping[str, str], secrets: Mapping[str, SecretStr]
    ) -> None:
        """See `streams.ports.Connect.put`."""
        plugin = config.get("connector.class", "")
        if plugin not in self._classes:
            problem = f"no plugin {plugin!r}" if plugin else "names no connector.class"
            raise ConfigurationError("connect.config", problem, f"use one of {self._classes}")
        values = {key: secret.get_secret_value() for key, secret in secrets.items()}
        self._configs[name] = {**config, **values}

    async def status(self, name: str) -> ConnectorStatus | None:
        """See `streams.ports.Connect.status`."""
        if name not in self._configs:
            return None
        problem = self.failing.get(name, "")
        return ConnectorStatus("RUNNING", ("FAILED" if problem else "RUNNING",), problem)

    async def restart(self, name: str) -> None:
        """See `streams.ports.Connect.restart`."""
        if name not in self._configs:
            raise ConfigurationError("connect.connector", f"there is no connector {name!r}")
        self.failing.pop(name, None)

    async def delete(self, name: str) -> None:
        """See `streams.ports.Connect.delete`."""
        self._configs.pop(name, None)

    async def close(self) -> None:
        """Nothing to let go of."""
