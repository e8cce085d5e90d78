"""The Connect port: the connectors that read the source databases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

__all__ = ["Connect", "ConnectorStatus"]


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """A connector's and its tasks' RUNNING, PAUSED, FAILED, …; the first failure in one line."""

    state: str
    tasks: tuple[str, ...] = ()
    problem: str = ""


class Connect(Protocol):
    """Kafka Connect: the connectors that read the source databases."""

    async def plugins(self) -> frozenset[str]:
        """Class names of the connectors that can be registered."""
        ...

    async def get(self, name: str) -> dict[str, str] | None:
        """A connector's configuration, secrets included; None if there is no such connector."""
        ...

    async def put(
        self, name: str, config: Mapping[str, str], secrets: Mapping[str, SecretStr]
    ) -> None:
        """Register a connector, or replace its configuration. Errors repeat no secret."""
        ...

    async def status(self, name: str) -> ConnectorStatus | None:
        """How the connector and its tasks are; None if there is no such connector yet."""
        ...

    async def restart(self, name: str) -> None:
        """Start what has failed of the connector and its tasks again."""
        ...

    async def delete(self, name: str) -> None:
        """Remove the connector; absent is no error."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
