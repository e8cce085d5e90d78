"""Who may call, how much at once, and how large a body may be."""

import asyncio
import hmac
from unittest.mock import Mock

import pytest

from tests.waiting import until

TOKEN = "a-token-of-16-letters"  # noqa: S105 - of this test
GREEN = {"text": "green"}
JSON = {"Content-Type": "application/json"}


async def test_the_token_opens_everything(caller):
    async with caller(TOKEN) as http:
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        for path in ("/flag", "/readyz", "/livez", "/docs", "/openapi.json"):
            assert (await http.get(path)).status_code == 200
        assert (await http.post("/search", json=GREEN)).status_code == 200


@pytest.mark.parametrize("path", ["/flag", "/readyz", "/docs", "/openapi.json", "/x", "//livez"])
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN.upper()}",
        "Bearer t\u00f6ken",
    ],
)
async def test_without_the_right_token_nothing_opens(caller, path, header):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    async with caller(TOKEN) as http:
        answer = await http.get(path, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN not in answer.text


async def test_two_authorization_headers_are_none(caller):
    async with caller(TOKEN) as http:
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")]
        assert (await http.get("/flag", headers=headers)).status_code == 401


async def test_livez_is_open_to_all(caller):
    async with caller(TOKEN, base_url="http://anywhere") as http:
        assert (await http.get("/livez")).json() == {"alive": True}


async def test_tokens_are_compared_in_constant_time(caller, monkeypatch):
    compare = Mock(side_effect=hmac.compare_digest)
    monkeypatch.setattr("streams.web.gate.hmac", Mock(compare_digest=compare))
    async with caller(TOKEN) as http:
        await http.get("/flag", headers={"Authorization": "Bearer wrong"})
    compare.assert_called_once_with(b"wrong", TOKEN.encode())


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "127.0.0.1:8080", "localhost:9", "LOCALHOST", "[::1]:8080", "[::1]"]
)
async def test_without_a_token_loopback_names_are_answered(caller, name):
    async with caller() as http:
        assert (await http.get("/flag", headers={"Host": name})).status_code == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:8080", "10.0.0.7", "localhost.evil.example", "", "127"]
)
async def test_without_a_token_other_names_are_not(caller, name):
    async with caller() as http:
        answer = await http.post("/search", json=GREEN, headers={"Host": name})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "wrong_host")


async def test_too_many_requests_in_a_second_are_refused_for_a_while(caller):
    async with caller(requests_per_second=3) as http:
        answers = [await http.post("/search", json=GREEN) for _ in range(10)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 6
        assert refused[0].json()["error"]["code"] == "rate_limited"
        assert int(refused[0].headers["retry-after"]) >= 1
        assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/livez")).status_code == 200


async def test_too_many_requests_at_once_are_refused_and_the_others_answered(caller, world):
    async with caller(concurrency=2, deadline_seconds=2) as http:
        world.cloud.awake.clear()
        world.ollama.awake.clear()
        calls = [asyncio.create_task(http.post("/search", json=GREEN)) for _ in range(5)]
        await until(lambda: sum(call.done() for call in calls) == 3, "three are refused", 5, 0)
        world.cloud.awake.set()
        answers = await asyncio.gather(*calls)
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 200, 503, 503, 503]
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.json()["error"]["code"] == "overloaded"
        assert "retry-after" in refused.headers
        assert (await http.post("/search", json=GREEN)).status_code == 200


def body_of(size: int) -> bytes:
    return b'{"text": "' + b"x" * (size - 12) + b'"}'


@pytest.mark.parametrize(("size", "status"), [(1_000, 200), (1_001, 413)])
async def test_a_body_may_be_as_large_as_configured_and_no_larger(caller, size, status):
    async with caller(body_bytes=1_000) as http:
        answer = await http.post("/search", content=body_of(size), headers=JSON)
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["error"]["code"] == "body_too_large"
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("declared", [None, "10", "-1", "many", "²"])
async def test_a_body_is_counted_while_it_comes_whatever_it_says_of_its_length(caller, declared):
    sent = 0

    async def chunks():
        nonlocal sent
        while sent < 1_000_000:
            sent += 100
            yield b"x" * 100

    headers = {**JSON, **({} if declared is None else {"Content-Length": declared.encode()})}
    async with caller(body_bytes=1_000) as http:
        answer = await http.post("/search", content=chunks(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert sent <= 1_200


async def test_a_body_that_never_ends_is_given_up(caller, monkeypatch):
    monkeypatch.setattr("streams.web.bodies._SECONDS", 0.02)

    async def chunks():
        yield b"{"
        await asyncio.Event().wait()

    async with caller() as http:
        answer = await http.post("/search", content=chunks(), headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (408, "body_timeout")


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded"])
async def test_a_body_that_is_not_called_json_is_refused(caller, kind):
    async with caller() as http:
        headers = {"Content-Type": kind}
        answer = await http.post("/search", content=b'{"text": "green"}', headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(("size", "status"), [(20, 200), (21, 422)])
async def test_a_text_may_be_as_long_as_configured(caller, size, status):
    async with caller(text_bytes=20) as http:
        answer = await http.post("/search", json={"text": "x" * size})
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["error"]["fields"][0]["field"] == "text"


@pytest.mark.parametrize(("k", "status"), [(4, 200), (5, 422)])
async def test_k_may_be_as_large_as_configured(caller, k, status):
    async with caller(max_k=4) as http:
        assert (await http.post("/search", json={"text": "x", "k": k})).status_code == status
