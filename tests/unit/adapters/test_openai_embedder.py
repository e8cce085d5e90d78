"""Each thing a cloud provider may answer becomes one kind of error, and nothing is retried."""

import math
import time

import numpy as np
import pytest

from streams.adapters.openai_embedder import OpenAIEmbedder
from streams.errors import InputRefused, LaneHalted, MalformedVector, TransientError
from tests.contract.embedder.fake_http import Fault, Reply
from tests.contract.embedder.fake_openai import FakeOpenAI, item, listing, problem

GOOD = [3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
NAN = [math.nan, *GOOD[1:]]

RATE_LIMIT = problem(429, "Rate limit reached for requests", "rate_limit_exceeded", kind="requests")


@pytest.fixture
async def embedder(openai_over, fake_openai) -> OpenAIEmbedder:
    made: OpenAIEmbedder = await openai_over(fake_openai)
    return made


async def test_a_request_asks_for_base64_and_names_dimensions_only_when_told_to(
    openai_over, fake_openai
):
    plain = await openai_over(fake_openai)
    telling = await openai_over(fake_openai, send_dimensions=True)
    await plain.embed(["a", "b"])
    await telling.embed(["a"])
    first, second = (request.json for request in fake_openai.requests)
    assert first == {"input": ["a", "b"], "model": "hash", "encoding_format": "base64"}
    assert second["dimensions"] == 8


async def test_vectors_are_matched_by_index_not_by_position(embedder, fake_openai):
    other = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    fake_openai.next.append(listing([item(1, other), item(2, GOOD), item(0, other)]))
    vectors = await embedder.embed(["a", "b", "c"])
    assert vectors[1].tolist() == other
    assert vectors[2] == pytest.approx(np.array(GOOD) / 5)


async def test_a_server_that_does_not_know_base64_may_answer_with_lists(embedder, fake_openai):
    fake_openai.next.append(listing([{"index": 0, "embedding": GOOD}]))
    assert (await embedder.embed(["a"]))[0] == pytest.approx(np.array(GOOD) / 5)


async def test_a_server_that_gives_no_index_is_taken_in_order(embedder, fake_openai):
    fake_openai.next.append(listing([{"embedding": GOOD}, {"embedding": GOOD[::-1]}]))
    vectors = await embedder.embed(["a", "b"])
    assert vectors[1] == pytest.approx(np.array(GOOD[::-1]) / 5)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        (
            {
                "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT",
                "date": "Wed, 21 Oct 2015 07:28:00 GMT",
            },
            30.0,
        ),
        (
            {
                "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT",
                "date": "Wed, 21 Oct 2015 07:28:30 -0000",
            },
            0.0,
        ),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:30 GMT", "date": "today"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, None),
    ],
)
async def test_a_rate_limit_passes_on_how_long_the_provider_asked_to_wait(
    embedder, fake_openai, headers, seconds
):
    fake_openai.next.append(Reply(RATE_LIMIT.body, 429, headers))
    with pytest.raises(TransientError, match="Rate limit reached") as caught:
        await embedder.embed(["a"])
    assert caught.value.retry_after == seconds
    assert len(fake_openai.requests) == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            problem(429, "You exceeded your current quota.", "insufficient_quota"),
            "exceeded your current quota",
        ),
        (
            problem(429, "You exceeded your current quota.", kind="insufficient_quota"),
            "exceeded your current quota",
        ),
        (problem(400, "Billing hard limit has been reached", "billing_hard_limit_reached"), "hard"),
        (problem(401, "Incorrect API key provided", "invalid_api_key"), "Incorrect API key"),
        (problem(403, "Country not supported"), "Country not supported"),
        (problem(404, "The model `hash` does not exist", "model_not_found"), "does not exist"),
        (problem(400, "no such model", "model_not_found"), "no such model"),
        (problem(402, "Payment required"), "Payment required"),
        (Reply(b"<html>nothing here</html>", 404), "nothing here"),
        (Reply(b"", 405), "405"),
    ],
)
async def test_what_no_waiting_cures_halts_the_lane(embedder, fake_openai, reply, said):
    fake_openai.next.append(reply)
    with pytest.raises(LaneHalted, match=said):
        await embedder.embed(["a"])
    assert len(fake_openai.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        problem(500, "The server had an error"),
        problem(503, "The engine is currently overloaded"),
        problem(529, "overloaded"),
        problem(408, "Request timeout"),
        problem(409, "Conflict"),
        Reply(b"<html>Bad Gateway</html>", 502, {"content-type": "text/html"}),
        Fault.RESET,
        Fault.CUT,
        Reply(b"<html>maintenance</html>", 200, {"content-type": "text/html"}),
        Reply(b'{"data": [{"ind', 200),
        Reply({"error": {"message": "upstream is away"}}, 200),
        Reply({"data": "none"}, 200),
        Reply([], 200),
        Reply(b"", 200),
        listing([{"index": 0, "embedding": "not base64!"}]),
        listing([{"index": 0, "embedding": "AAA="}]),
    ],
)
async def test_trouble_on_the_way_is_transient(embedder, fake_openai, reply):
    fake_openai.next.append(reply)
    with pytest.raises(TransientError):
        await embedder.embed(["a"])
    assert len(fake_openai.requests) == 1
    assert len(await embedder.embed(["a"])) == 1


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIBBLE])
async def test_an_answer_that_does_not_end_in_time_is_transient(openai_over, fake_openai, fault):
    embedder = await openai_over(fake_openai, timeout_seconds=0.2)
    fake_openai.next.append(fault)
    began = time.monotonic()
    with pytest.raises(TransientError, match="in time"):
        await embedder.embed(["a"])
    assert time.monotonic() - began < 2
    assert len(await embedder.embed(["a"])) == 1


async def test_a_server_that_is_not_there_is_transient(openai_over, fake_openai):
    embedder = await openai_over(fake_openai, base_url="http://127.0.0.1:1/v1")
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1/v1 can not be reached"):
        await embedder.embed(["a"])


@pytest.mark.parametrize(
    "reply",
    [
        problem(400, "maximum context length is 8192 tokens", "context_length_exceeded"),
        problem(413, "too large"),
        problem(422, "Input validation error: inputs must have less than 512 tokens"),
    ],
)
async def test_a_refused_input_is_told_in_the_providers_words(embedder, fake_openai, reply):
    fake_openai.next.append(reply)
    with pytest.raises(InputRefused, match=reply.body["error"]["message"]):
        await embedder.embed(["a"])


async def test_a_refusal_is_only_blamed_on_the_input_once_a_single_word_has_passed(
    embedder, fake_openai
):
    unsupported = problem(400, "This model does not support specifying dimensions.")
    fake_openai.next.extend([unsupported, unsupported])
    with pytest.raises(LaneHalted, match=r"not embed even one word.*does not support specifying"):
        await embedder.embed(["a perfectly good document"])
    assert [request.json["input"] for request in fake_openai.requests][1] == ["probe"]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ([item(0, GOOD)], "asked for 2 vectors, got 1"),
        ([item(0, GOOD), item(1, GOOD), item(2, GOOD)], "asked for 2 vectors, got 3"),
        ([], "asked for 2 vectors, got 0"),
        ([item(0, GOOD), item(0, GOOD)], "has index 0"),
        ([item(0, GOOD), item(2, GOOD)], "has index 2"),
        ([item(0, GOOD), {**item(1, GOOD), "index": 1.0}], "has index 1.0"),
        ([item(0, GOOD), item(1, NAN)], "vector 2 of 2 holds NaN"),
        ([item(0, GOOD), {"index": 1, "embedding": NAN}], "vector 2 of 2 holds NaN"),
        ([item(0, [0.0] * 8), item(1, GOOD)], "vector 1 of 2 is zero"),
        ([item(0, GOOD), item(1, GOOD[:7])], "vector 2 of 2 has 7 dimensions, not 8"),
        ([item(0, GOOD), {"index": 1, "embedding": None}], "vector 2 of 2 has 0 dimensions"),
    ],
)
async def test_an_answer_that_is_not_one_good_vector_each_is_malformed(
    embedder, fake_openai, answer, complaint
):
    fake_openai.next.append(listing(answer))
    told: list[int] = []
    with pytest.raises(MalformedVector, match=complaint):
        await embedder.embed(["a", "b"], on_tokens=told.append)
    assert told == [1]  # nonsense is paid for as well


async def test_a_model_that_was_replaced_by_a_longer_one_halts_the_lane(embedder, fake_openai):
    fake_openai.embedder = FakeOpenAI(dimensions=12).embedder
    with pytest.raises(LaneHalted, match="answers with 12 dimensions, but 8 are configured"):
        await embedder.embed(["a", "b"])


async def test_nonsense_for_every_input_stalls_instead_of_condemning_documents(
    embedder, fake_openai
):
    fake_openai.next.extend([listing([item(0, NAN)])] * 2)
    with pytest.raises(TransientError, match="even one word with no usable vector"):
        await embedder.embed(["a"])


async def test_wrong_dimensions_are_found_when_the_lane_asks_what_it_is(openai_over, fake_openai):
    embedder = await openai_over(fake_openai, dimensions=16)
    with pytest.raises(LaneHalted, match="answers with 8 dimensions, but 16 are configured"):
        await embedder.identify()


async def test_a_wrong_key_is_found_when_the_lane_asks_what_it_is(openai_over, fake_openai):
    embedder = await openai_over(fake_openai, key="sk-of-somebody-else")
    with pytest.raises(LaneHalted, match="answered 401"):
        await embedder.identify()


async def test_the_key_is_never_part_of_an_error(openai_over, fake_openai):
    embedder = await openai_over(fake_openai, key="sk-very-secret")
    with pytest.raises(LaneHalted) as caught:
        await embedder.embed(["a"])
    assert "very-secret" not in str(caught.value) + repr(embedder)
