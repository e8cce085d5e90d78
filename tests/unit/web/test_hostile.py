"""Bodies that somebody made up: a clear refusal, and the next request is answered."""

import orjson
import pytest

JSON = {"Content-Type": "application/json"}

BAD_JSON = [
    b"",
    b"text=green",
    b"{",
    b"\xff\xfe{}",
    b'{"text": "\xff"}',
    b"[" * 30_000,
    b'{"filter": ' + b'{"not": ' * 5_000,
    b'{"text": "\\ud800"}',
    b'{"text": "x", "k": 1e}',
    b'{"text": "x", "k": ' + b"9" * 60_000 + b"}",
]

INVALID = [
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"text": null}',
    b'{"text": 5}',
    b'{"text": "x", "vector_by": "s/1"}',
    b'{"text": "x", "k": 0}',
    b'{"text": "x", "k": -1}',
    b'{"text": "x", "k": 1.5}',
    b'{"text": "x", "k": "5"}',
    b'{"text": "x", "k": true}',
    b'{"text": "x", "k": NaN}',
    b'{"text": "x", "k": 1e400}',
    b'{"text": "x", "k": ' + b"9" * 4_000 + b"}",
    b'{"text": "x", "k": 1001}',
    b'{"text": "x", "typo": 1}',
    b'{"text": "x", "targeting_key": ""}',
    b'{"text": "x", "cohort": 5}',
    b'{"vector_by": "\\" or 1==1"}',
    b'{"vector_by": "s/1\\u0000"}',
    b'{"text": "x", "filter": "1==1"}',
    b'{"text": "x", "filter": {"field": "a", "eq": 1, "ne": 2}}',
    b'{"text": "x", "filter": {"field": "a", "eq": 1e400}}',
    b'{"text": "x", "filter": {"field": "a", "eq": NaN}}',
    b'{"text": "x", "filter": ' + b'{"not": ' * 60 + b'{"field": "a", "eq": 1}' + b"}" * 61,
    b'{"text": "' + b"x" * 8_193 + b'"}',
    b'{"text": "' + "é".encode() * 4_097 + b'"}',
]

REFUSED = [b'{"text": ""}', b'{"text": " \\n\\t"}', b'{"text": "\\u0000"}']

STRANGE = [
    b'{"text": "\\u0000green\\u0000", "k": 1}',
    '{"text": "\u202egreen 💥"}'.encode(),
    b'{"text": "a", "text": "green", "k": 1}',
    b'{"text": "green", "targeting_key": "\\u0000\\n\\" or 1==1"}',
    b'{"text": "green", "filter": {"field": "colour", "eq": "\\") or 1==1 //"}}',
]


async def answer_to(caller, body: bytes):
    async with caller() as http:
        answer = await http.post("/search", content=body, headers=JSON)
        after = await http.post("/search", json={"text": "green"})
        assert after.status_code == 200
        return answer


@pytest.mark.parametrize("body", BAD_JSON, ids=range(len(BAD_JSON)))
async def test_what_is_no_json_is_told_so(caller, body):
    answer = await answer_to(caller, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_json")


@pytest.mark.parametrize("body", INVALID, ids=range(len(INVALID)))
async def test_json_that_is_no_search_is_told_what_is_wrong_with_which_field(caller, body):
    answer = await answer_to(caller, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid")
    assert all(each["problem"] for each in error["fields"])
    assert len(answer.content) < 10_000


@pytest.mark.parametrize("body", REFUSED)
async def test_a_text_of_nothing_is_refused(caller, body):
    answer = await answer_to(caller, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "refused")


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
async def test_what_is_only_strange_is_answered(caller, body):
    answer = await answer_to(caller, body)
    assert answer.status_code == 200, answer.text


async def test_a_refusal_repeats_nothing_of_the_body(caller):
    body = orjson.dumps({"text": ["hunter2"], "k": "hunter2"})
    answer = await answer_to(caller, body)
    assert "hunter2" not in answer.text
