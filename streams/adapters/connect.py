"""Kafka Connect's REST interface, over httpx.

Decides what Connect's answers mean for Hotswap; knows nothing of Debezium's settings.
Source: https://kafka.apache.org/documentation/#connect_rest
"""

import ssl
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
import tenacity
from pydantic import SecretStr

from streams.config import ConnectConfig
from streams.errors import ConfigurationError, HotswapError, TransientError
from streams.ports import ConnectorStatus

__all__ = ["ConnectClient"]

_TIMEOUT_SECONDS: Final = 30.0
"""Registering waits for Connect to validate, which waits for the database to answer."""

_REMEDIES: Final[dict[int, tuple[str, str]]] = {
    400: ("connect.config", "correct it under [connect.config] or [connect.secrets]"),
    401: ("connect.username", "give connect.username and connect.password as Connect wants them"),
    403: ("connect.username", "let this user administer connectors"),
    404: ("connect.url", "set it to the address of Kafka Connect's REST interface"),
    405: ("connect.url", "set it to the address of Kafka Connect's REST interface"),
}
"""Statuses that stay until an operator acts: which setting, and what to do."""


class _Busy(TransientError):
    """Connect's workers are agreeing on who runs what; they are done in seconds."""


class ConnectClient:
    """Implements `streams.ports.Connect`. Close it when done.

    Args:
        config: the `[connect]` section.
        patience_seconds: how long to ask again while Connect is busy with itself.
        transport: for tests; the network by default.

    Raises: ConfigurationError if the password or the authority's file can not be read.
    """

    def __init__(
        self,
        config: ConnectConfig,
        *,
        patience_seconds: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._patience_seconds = patience_seconds
        self._subject = f"Kafka Connect at {config.url}"
        self._client = httpx.AsyncClient(
            base_url=config.url,
            auth=_login(config),
            verify=_authority(config),
            timeout=_TIMEOUT_SECONDS,
            transport=transport,
            # A proxy of the environment is for the internet, not for a neighbour.
            trust_env=False,
        )

    async def plugins(self) -> frozenset[str]:
        """See `streams.ports.Connect.plugins`."""
        found = await self._ask("GET", "/connector-plugins")
        return frozenset(plugin["class"] for plugin in found)

    async def get(self, name: str) -> dict[str, str] | None:
        """See `streams.ports.Connect.get`."""
        found: dict[str, str] | None = await self._ask("GET", f"{_path(name)}/config", maybe=True)
        return found

    async def put(
        self, name: str, config: Mapping[str, str], secrets: Mapping[str, SecretStr]
    ) -> None:
        """See `streams.ports.Connect.put`."""
        values = {key: secret.get_secret_value() for key, secret in secrets.items()}
        whole = {**config, **values}
        await self._ask("PUT", f"{_path(name)}/config", body=whole, hide=values.values())

    async def status(self, name: str) -> ConnectorStatus | None:
        """See `streams.ports.Connect.status`."""
        found = await self._ask("GET", f"{_path(name)}/status", maybe=True)
        if found is None:
            return None
        traces = (
            part["trace"] for part in [found["connector"], *found["tasks"]] if "trace" in part
        )
        return ConnectorStatus(
            state=found["connector"]["state"],
            tasks=tuple(task["state"] for task in found["tasks"]),
            problem=_root_cause(next(traces, "")),
        )

    async def restart(self, name: str) -> None:
        """See `streams.ports.Connect.restart`."""
        await self._ask("POST", f"{_path(name)}/restart?includeTasks=true&onlyFailed=true")

    async def delete(self, name: str) -> None:
        """See `streams.ports.Connect.delete`."""
        await self._ask("DELETE", _path(name), maybe=True)

    async def close(self) -> None:
        """See `streams.ports.Connect.close`."""
        await self._client.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, str] | None = None,
        maybe: bool = False,
        hide: Collection[str] = (),
    ) -> Any:  # noqa: ANN401 (JSON)
        """The answer's JSON; None where it has no body, and with `maybe` for 404.

        Every request may be sent again: it says what is to be, not what is to be done.
        """
        async for attempt in tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_Busy),
            wait=tenacity.wait_exponential_jitter(initial=0.1, max=2.0),
            stop=tenacity.stop_after_delay(self._patience_seconds),
            reraise=True,
        ):
            with attempt:
                return await self._ask_once(method, path, body, maybe=maybe, hide=hide)
        return None  # not reached: the last attempt raises

    async def _ask_once(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None,
        *,
        maybe: bool,
        hide: Collection[str],
    ) -> Any:  # noqa: ANN401 (JSON)
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise _unreachable(error, self._subject) from error
        try:
            content = answer.json() if answer.content else None
        except ValueError:
            content = answer.text
        if answer.is_success and not isinstance(content, str):
            return content
        message = content.get("message") if isinstance(content, dict) else None
        if maybe and answer.status_code == httpx.codes.NOT_FOUND and _names_connector(message):
            return None
        for secret in hide:
            message = message.replace(secret, "***") if message else message
        raise _refusal(answer.status_code, message, self._subject)


def _names_connector(message: str | None) -> bool:
    """Whether a 404 is about a connector; for a wrong address it is `HTTP 404 Not Found`."""
    return message is not None and "connector" in message.lower()


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"


def _login(config: ConnectConfig) -> httpx.BasicAuth | None:
    if config.username is None or config.password is None:
        return None
    password = config.password.read("connect.password")
    return httpx.BasicAuth(config.username, password.get_secret_value())


def _authority(config: ConnectConfig) -> ssl.SSLContext | bool:
    if config.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:  # ssl.SSLError is one
        problem = f"{config.ca_file} can not be used ({error.strerror or error})"
        raise ConfigurationError("connect.ca_file", problem, "name a PEM file") from error


def _unreachable(error: httpx.HTTPError, subject: str) -> HotswapError:
    text = f"{subject}: {str(error) or type(error).__name__}"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        remedy = "name the authority's PEM file, and the host as its certificate does"
        return ConfigurationError("connect.ca_file", text, remedy)
    return TransientError(text)


def _refusal(status: int, message: str | None, subject: str) -> HotswapError:
    if message is None and status < httpx.codes.BAD_REQUEST:
        status = httpx.codes.NOT_FOUND  # whoever answered here, it was not Connect
    said = (message or f"HTTP {status}, and nothing that Connect would say").strip()
    # The last line of a refused configuration names an endpoint, not a problem.
    said = said.partition("\nYou can also find the above list")[0].replace(":\n", ": ")
    said = said.replace("\n", "; ")
    if message and "Failed to find any class" in message:  # Connect says it with a 500
        remedy = "install the plugin in Kafka Connect, or name one of those it lists"
        return ConfigurationError('connect.config."connector.class"', said, remedy)
    if status == httpx.codes.NOT_FOUND and _names_connector(message):
        return ConfigurationError("connect.connector", said, "register it with `hotswap init`")
    if status in _REMEDIES:
        setting, remedy = _REMEDIES[status]
        return ConfigurationError(setting, f"{subject} refused: {said}", remedy)
    busy = status in {409, 503} or "rebalance" in said
    return (_Busy if busy else TransientError)(f"{subject}: HTTP {status}: {said}")


def _root_cause(trace: str) -> str:
    """The last `Caused by` of a Java stack trace, or else its first line."""
    lines = trace.splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or [""])[-1 if causes else 0].strip()
