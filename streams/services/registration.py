"""Registers the Debezium connector, or compares the one that is there.

Decides when a connector counts as running. Never shows a secret's value.
"""

import asyncio
from collections.abc import Mapping

from pydantic import SecretStr

from streams.config import ConnectConfig
from streams.errors import ConfigurationError, DriftError, TransientError
from streams.ports import Connect, ConnectorStatus
from streams.services.steps import Action, Step

__all__ = ["register"]

_POLL_SECONDS = 0.2
_STALE_SECONDS = 5.0
"""How long Connect may still show the state from before a change."""
_FORCE = "`hotswap init --force` puts the configured connector in place"


async def register(
    settings: ConnectConfig,
    config: Mapping[str, str],
    connect: Connect,
    *,
    dry_run: bool,
    force: bool,
    patience_seconds: float = 60.0,
) -> Step:
    """Register the connector if it is missing, and wait until it runs.

    Args:
        settings: the `[connect]` section.
        config: what to register, without secrets.
        connect: where.
        dry_run: change nothing.
        force: replace a connector that differs, and start a failed one again.
        patience_seconds: how long a connector may take until it runs.

    Raises:
        ConfigurationError: no such plugin, a secret is missing, Connect refuses an entry, or
            the connector fails.
        DriftError: there is one of this name with another configuration, and no `force`.
        TransientError: Connect can not be reached, or the connector does not run in time.
    """
    plugin = config["connector.class"]
    secrets = {key: ref.read(f'connect.secrets."{key}"') for key, ref in settings.secrets.items()}
    plugins = await connect.plugins()
    if plugin not in plugins:
        raise ConfigurationError(
            'connect.config."connector.class"',
            f"Kafka Connect has no plugin {plugin}",
            f"install it there, or choose from: {', '.join(sorted(plugins)) or 'none at all'}",
        )
    name = f"connector {settings.connector}"
    found = await connect.get(settings.connector)
    differences = {} if found is None else _differences(settings.connector, config, secrets, found)
    if differences and not force:
        raise DriftError(name, differences, f"change [connect.config], or {_FORCE}")
    if found is not None and not differences:
        return await _keep(settings, connect, patience_seconds, dry_run=dry_run, force=force)
    if dry_run:
        action = Action.WOULD_CREATE if found is None else Action.WOULD_UPDATE
        return Step(name, action, plugin)
    await connect.put(settings.connector, config, secrets)
    stale = 0.0 if found is None else _STALE_SECONDS
    status = await _until_running(settings.connector, connect, patience_seconds, stale)
    action = Action.CREATED if found is None else Action.UPDATED
    return Step(name, action, _describe(status))


async def _keep(
    settings: ConnectConfig, connect: Connect, patience: float, *, dry_run: bool, force: bool
) -> Step:
    name = f"connector {settings.connector}"
    status = await connect.status(settings.connector)
    if status is None or "FAILED" not in {status.state, *status.tasks}:
        return Step(name, Action.KEPT, _describe(status))
    if not force:
        raise _failed(settings.connector, status)
    if dry_run:
        return Step(name, Action.WOULD_UPDATE, "start again what has failed")
    await connect.restart(settings.connector)
    status = await _until_running(settings.connector, connect, patience, _STALE_SECONDS)
    return Step(name, Action.UPDATED, f"started again; {_describe(status)}")


async def _until_running(
    name: str, connect: Connect, patience: float, stale: float
) -> ConnectorStatus:
    status = None
    clock = asyncio.get_running_loop().time
    started = clock()
    try:
        async with asyncio.timeout(patience):
            while True:
                status = await connect.status(name)
                states = {status.state, *status.tasks} if status else set()
                if status and "FAILED" in states and clock() - started >= stale:
                    raise _failed(name, status)
                if status and status.tasks and states == {"RUNNING"}:
                    return status
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise TransientError(
            f"connector {name} does not run after {patience:.0f} s: {_describe(status)}"
        ) from error


def _failed(name: str, status: ConnectorStatus) -> ConfigurationError:
    return ConfigurationError(
        "connect.config",
        f"connector {name} has failed: {status.problem or 'Connect does not say why'}",
        "correct the cause, then `hotswap init --force` starts it again",
    )


def _describe(status: ConnectorStatus | None) -> str:
    if status is None:
        return "not started yet"
    return f"{status.state}, tasks: {', '.join(status.tasks) or 'none yet'}"


def _differences(
    name: str,
    config: Mapping[str, str],
    secrets: Mapping[str, SecretStr],
    found: Mapping[str, str],
) -> dict[str, tuple[object, object]]:
    values = {key: secret.get_secret_value() for key, secret in secrets.items()}
    wanted = {"name": name, **config, **values}
    return {
        key: _pair(key, wanted.get(key), found.get(key), secrets)
        for key in sorted(wanted.keys() | found.keys())
        if wanted.get(key) != found.get(key)
    }


def _pair(
    key: str, wanted: str | None, found: str | None, secrets: Mapping[str, SecretStr]
) -> tuple[object, object]:
    if key in secrets or "password" in key or "secret" in key:
        shown = None if found is None else "another value"
        return ("the configured secret" if wanted is not None else None), shown
    return wanted, found
