"""What Connect's answers, and those of whatever else may stand at its address, lead to."""
# ruff: noqa: E501 (the cases are a table)

import ssl

import httpx
import pytest
from pydantic import SecretStr

from streams.adapters.connect import ConnectClient
from streams.config import ConnectConfig, SecretRef
from streams.errors import ConfigurationError, TransientError
from streams.ports import ConnectorStatus

# As Connect 4.3.1 with Debezium 3.6.3 says it.
INVALID = """\
Connector configuration is invalid and contains the following 1 error(s):
Error while validating connector config: password "hunter2" is wrong
You can also find the above list of errors at the endpoint `/connector-plugins/x/config/validate`"""
TRACE = """\
org.apache.kafka.connect.errors.ConnectException: An exception occurred
\tat io.debezium.pipeline.ErrorHandler.setProducerThrowable(ErrorHandler.java:73)
Caused by: io.debezium.DebeziumException: Failed to start replication stream
\t... 5 more
Caused by: org.postgresql.util.PSQLException: ERROR: replication slot "hotswap" is active
\t... 9 more
"""


def client(answer, config: ConnectConfig | None = None) -> ConnectClient:
    """A client of a server that always gives this answer, or raises this error."""

    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        found: httpx.Response = answer(request) if callable(answer) else answer
        return found

    transport = httpx.MockTransport(handle)
    return ConnectClient(config or ConnectConfig(), patience_seconds=0, transport=transport)


def said(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error_code": status, "message": message})


async def put(answer) -> None:
    connect = client(answer)
    try:
        await connect.put("x", {}, {"database.password": SecretStr("hunter2")})
    finally:
        await connect.close()


# fmt: off
PERMANENT = [
    ("an invalid configuration", said(400, INVALID), "connect.config", 'password "***" is wrong'),
    ("no login", httpx.Response(401, text="<html>"), "connect.username", "HTTP 401"),
    ("no right", said(403, "Forbidden"), "connect.username", "Forbidden"),
    ("another server", httpx.Response(404, text="<html>"), "connect.url", "HTTP 404"),
    ("a wrong path of Connect", said(404, "HTTP 404 Not Found"), "connect.url", "Not Found"),
    ("a server that takes no PUT", httpx.Response(405), "connect.url", "HTTP 405"),
    ("a page with status 200", httpx.Response(200, text="<html>"), "connect.url", "nothing that Connect"),
    ("a redirect", httpx.Response(302, headers={"location": "/login"}), "connect.url", "nothing that Connect"),
    ("a class that is not there", said(500, "Failed to find any class that implements Connector"), 'connect.config."connector.class"', "any class"),
    ("a connector that is not there", said(404, "Unknown connector: x"), "connect.connector", "Unknown connector: x"),
    ("an unknown authority", httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] no"), "connect.ca_file", "CERTIFICATE_VERIFY_FAILED"),
]
TRANSIENT = [
    ("nobody listens", httpx.ConnectError("All connection attempts failed"), "All connection"),
    ("no answer in time", httpx.ReadTimeout(""), "ReadTimeout"),
    ("a cut connection", httpx.RemoteProtocolError("Server disconnected"), "disconnected"),
    ("a rebalance", said(409, "Cannot complete request momentarily due to stale configuration"), "momentarily"),
    ("a restart", said(503, "Kafka Connect worker is still starting"), "still starting"),
    ("a request that took too long", said(500, "Request timed out"), "timed out"),
    ("a busy proxy", httpx.Response(429, text="slow down"), "HTTP 429"),
]
# fmt: on


@pytest.mark.parametrize(
    ("_name", "answer", "setting", "says"), PERMANENT, ids=[row[0] for row in PERMANENT]
)
async def test_what_only_an_operator_can_change_names_the_setting(_name, answer, setting, says):
    with pytest.raises(ConfigurationError) as caught:
        await put(answer)
    assert caught.value.setting == setting
    assert says in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(("_name", "answer", "says"), TRANSIENT, ids=[row[0] for row in TRANSIENT])
async def test_what_may_pass_is_transient(_name, answer, says):
    with pytest.raises(TransientError, match=says):
        await put(answer)


async def test_a_rebalance_is_waited_for():
    answers = [
        said(500, "Request cannot be completed because a rebalance is expected"),
        said(409, "Cannot complete request momentarily due to stale configuration"),
        httpx.Response(200, json=[{"class": "a.Connector"}]),
    ]
    transport = httpx.MockTransport(lambda _request: answers.pop(0))
    connect = ConnectClient(ConnectConfig(), patience_seconds=30, transport=transport)
    assert await connect.plugins() == {"a.Connector"}
    await connect.close()


async def test_no_error_repeats_a_secret():
    with pytest.raises(ConfigurationError) as caught:
        await put(said(400, INVALID))
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__ or error.__context__


async def test_the_last_line_of_a_refusal_names_an_endpoint_and_is_left_out():
    with pytest.raises(ConfigurationError) as caught:
        await put(said(400, INVALID))
    assert "/connector-plugins" not in str(caught.value)


async def test_a_wrong_address_is_not_taken_for_a_missing_connector():
    connect = client(httpx.Response(404, text="<html>"))
    with pytest.raises(ConfigurationError, match=r"connect\.url"):
        await connect.get("x")
    with pytest.raises(ConfigurationError, match=r"connect\.url"):
        await connect.status("x")
    await connect.close()


async def test_of_a_failed_task_the_root_cause_is_told():
    answer = httpx.Response(
        200,
        json={
            "name": "x",
            "connector": {"state": "RUNNING", "worker_id": "w"},
            "tasks": [{"id": 0, "state": "FAILED", "worker_id": "w", "trace": TRACE}],
        },
    )
    connect = client(answer)
    assert await connect.status("x") == ConnectorStatus(
        "RUNNING",
        ("FAILED",),
        'org.postgresql.util.PSQLException: ERROR: replication slot "hotswap" is active',
    )
    await connect.close()


async def test_a_connectors_name_can_not_leave_its_place_in_the_path():
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return said(404, "Connector not found")

    connect = client(answer)
    await connect.get("a/../b?c")
    assert seen == ["/connectors/a%2F..%2Fb%3Fc/config"]
    await connect.close()


async def test_the_login_is_sent_and_read_from_where_the_secret_is(monkeypatch):
    monkeypatch.setenv("CONNECT_PASSWORD", "p")
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json=[])

    config = ConnectConfig(username="u", password=SecretRef(env="CONNECT_PASSWORD"))
    connect = client(answer, config)
    assert await connect.plugins() == frozenset()
    assert seen == [httpx.BasicAuth("u", "p")._auth_header]
    await connect.close()


def test_a_password_that_is_missing_names_its_setting(monkeypatch):
    monkeypatch.delenv("CONNECT_PASSWORD", raising=False)
    config = ConnectConfig(username="u", password=SecretRef(env="CONNECT_PASSWORD"))
    with pytest.raises(ConfigurationError, match=r"connect\.password"):
        ConnectClient(config)


def test_an_authority_that_can_not_be_read_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"connect\.ca_file"):
        ConnectClient(ConnectConfig(ca_file=str(tmp_path / "absent.pem")))
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"connect\.ca_file") as caught:
        ConnectClient(ConnectConfig(ca_file=str(tmp_path / "bad.pem")))
    assert isinstance(caught.value.__cause__, ssl.SSLError)
