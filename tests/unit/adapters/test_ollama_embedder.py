"""Each thing an Ollama host may answer becomes one kind of error; no text is cut silently."""

import math
import time

import pytest

from streams.errors import InputRefused, LaneHalted, MalformedVector, TransientError
from tests.contract.embedder.fake_http import Fault, Reply
from tests.contract.embedder.fake_ollama import DIGEST, FakeOllama, problem

GOOD = [3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def vectors(*embeddings: object) -> Reply:
    return Reply({"model": "hash", "embeddings": list(embeddings)})


@pytest.fixture
def fake() -> FakeOllama:
    return FakeOllama()


async def test_a_request_forbids_truncation_and_keeps_the_model_loaded(ollama_over, fake):
    embedder = await ollama_over(fake, keep_alive="90s")
    await embedder.embed(["a", "b"])
    assert fake.embeddings[-1] == {
        "model": "hash",
        "input": ["a", "b"],
        "truncate": False,
        "keep_alive": "90s",
        "options": {},
    }


async def test_the_context_window_is_asked_for_and_part_of_the_fingerprint(ollama_over, fake):
    embedder = await ollama_over(fake, context_tokens=256)
    fingerprint = await embedder.identify()
    assert fake.embeddings[-1]["options"] == {"num_ctx": 256}
    assert fingerprint.context_tokens == 256


async def test_it_is_identified_by_digest_version_and_live_dimensions(ollama_over, fake):
    fingerprint = await (await ollama_over(fake)).identify()
    assert (fingerprint.provider, fingerprint.model) == ("ollama", "hash")
    assert (fingerprint.digest, fingerprint.server_version) == (DIGEST, "0.17.4")
    assert fingerprint.dimensions == 8


@pytest.mark.parametrize("model", ["hash", "hash:latest"])
async def test_a_model_without_a_tag_is_the_latest(ollama_over, fake, model):
    assert (await (await ollama_over(fake, model=model)).identify()).model == model


@pytest.mark.parametrize("model", ["other", "hash:v2", "registry.example:5000/hash"])
async def test_a_missing_model_halts_the_lane_and_says_how_to_get_it(ollama_over, fake, model):
    with pytest.raises(LaneHalted, match=f"run `ollama pull {model}`"):
        await (await ollama_over(fake, model=model)).identify()


async def test_a_model_that_was_removed_halts_the_lane(ollama_over, fake):
    embedder = await ollama_over(fake)
    await embedder.embed(["a"])
    fake.next.append(problem(404, 'model "hash" not found, try pulling it first'))
    with pytest.raises(LaneHalted, match="run `ollama pull hash`"):
        await embedder.embed(["a"])


@pytest.mark.parametrize(
    "reply",
    [
        problem(400, 'do embedding request: Post "http://127.0.0.1:34859/embedding": EOF'),
        problem(400, "do embedding request: dial tcp 127.0.0.1:34859: connection refused"),
        problem(400, "model runner has unexpectedly stopped, this may be due to resources"),
        problem(400, "unexpected server status: llm server loading model"),
        problem(400, "EOF"),
        problem(400, "context canceled"),
        problem(500, "EOF"),
        problem(500, "unable to load model"),
        problem(503, "server busy, please try again.  maximum pending requests exceeded"),
        problem(499, "request canceled"),
        problem(429, "too many requests"),
        Reply(b"<html>Bad Gateway</html>", 502),
        Reply(b"[1, 2]", 500),
        Reply(b"<html>hello</html>", 200),
        Reply({"model": "hash"}, 200),
        Reply({"embeddings": None}, 200),
        Reply([], 200),
        Fault.RESET,
        Fault.CUT,
    ],
)
async def test_trouble_on_the_host_is_transient(ollama_over, fake, reply):
    embedder = await ollama_over(fake)
    await embedder.identify()
    fake.next.append(reply)
    with pytest.raises(TransientError):
        await embedder.embed(["a"])
    assert len(await embedder.embed(["a"])) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_host_that_wants_a_login_halts_the_lane(ollama_over, fake, status):
    fake.instead = problem(status, "unauthorized")
    with pytest.raises(LaneHalted, match=f"answered {status}: unauthorized"):
        await (await ollama_over(fake)).identify()


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIBBLE])
async def test_an_answer_that_does_not_end_in_time_is_transient(ollama_over, fake, fault):
    embedder = await ollama_over(fake, timeout_seconds=0.2)
    await embedder.identify()
    fake.next.append(fault)
    began = time.monotonic()
    with pytest.raises(TransientError, match="in time"):
        await embedder.embed(["a"])
    assert time.monotonic() - began < 2


async def test_hosts_that_are_not_there_are_each_named(ollama_over):
    embedder = await ollama_over(hosts=["http://127.0.0.1:1", "http://127.0.0.1:2"])
    with pytest.raises(TransientError) as caught:
        await embedder.embed(["a"])
    assert "http://127.0.0.1:1 can not be reached" in str(caught.value)
    assert "http://127.0.0.1:2 can not be reached" in str(caught.value)


@pytest.mark.parametrize(
    "message",
    [
        "the input length exceeds the context length",
        "input exceeds maximum context length and cannot be truncated further",
        "invalid input type",
    ],
)
async def test_a_refused_input_is_told_in_ollamas_words(ollama_over, fake, message):
    embedder = await ollama_over(fake)
    fake.next.extend([vectors(GOOD), problem(400, message)])
    with pytest.raises(InputRefused, match=message):
        await embedder.embed(["word " * 1000])
    assert fake.embeddings[-1]["input"] == ["probe"]


async def test_a_refusal_is_only_blamed_on_the_input_once_a_single_word_has_passed(
    ollama_over, fake
):
    embedder = await ollama_over(fake)
    await embedder.identify()
    fake.next.extend([problem(400, "something is wrong with llama")] * 2)
    with pytest.raises(TransientError, match=r"even one word: .*something is wrong with llama"):
        await embedder.embed(["a perfectly good document"])


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (vectors(), "asked for 2 vectors, got 0"),
        (vectors(GOOD), "asked for 2 vectors, got 1"),
        (vectors(GOOD, GOOD, GOOD), "asked for 2 vectors, got 3"),
        (vectors(GOOD, [math.nan, *GOOD[1:]]), "vector 2 of 2 holds NaN"),
        (vectors([0.0] * 8, GOOD), "vector 1 of 2 is zero"),
        (vectors(GOOD, GOOD[:7]), "vector 2 of 2 has 7 dimensions, not 8"),
        (vectors(GOOD, []), "vector 2 of 2 has 0 dimensions, not 8"),
        (problem(400, "embedding contains NaN or Inf values"), "contains NaN or Inf"),
        (problem(500, "failed to encode response: json: unsupported value: NaN"), "value: NaN"),
    ],
)
async def test_an_answer_that_is_not_one_good_vector_each_is_malformed(
    ollama_over, fake, reply, complaint
):
    embedder = await ollama_over(fake)
    await embedder.identify()
    fake.next.append(reply)
    with pytest.raises(MalformedVector, match=complaint):
        await embedder.embed(["a", "b"])


async def test_nonsense_for_every_input_stalls_instead_of_condemning_documents(ollama_over, fake):
    embedder = await ollama_over(fake)
    await embedder.identify()
    fake.next.extend([vectors([0.0] * 8)] * 2)
    with pytest.raises(TransientError, match="even one word"):
        await embedder.embed(["a"])


async def test_a_model_that_was_replaced_under_a_running_lane_halts_it(ollama_over, fake):
    embedder = await ollama_over(fake)
    await embedder.embed(["a"])
    fake.embedder, fake.digest = FakeOllama(dimensions=12).embedder, "f00"
    with pytest.raises(LaneHalted) as caught:
        await embedder.embed(["a"])
    assert "dimensions was 8, is 12" in str(caught.value)
    assert f"digest was '{DIGEST}', is 'f00'" in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "value", "told"),
    [
        ("digest", "f00", "digest: "),
        ("version", "0.18.0", "server_version: "),
        ("embedder", FakeOllama(dimensions=12).embedder, "dimensions: "),
    ],
)
async def test_hosts_that_differ_halt_the_lane(ollama_over, fake, changed, value, told):
    other = FakeOllama()
    setattr(other, changed, value)
    with pytest.raises(LaneHalted, match=f"differ.*\n  {told}http"):
        await (await ollama_over(fake, other)).identify()


async def test_a_dead_host_does_not_stop_the_lane(ollama_over, fake):
    dead = FakeOllama()
    dead.instead = Fault.RESET
    embedder = await ollama_over(dead, fake)
    assert len(await embedder.embed(["a"])) == 1
    assert len(fake.embeddings) == 2


async def test_no_texts_before_the_first_look_still_have_the_right_width(ollama_over, fake):
    assert (await (await ollama_over(fake)).embed([])).shape == (0, 8)


async def test_an_error_in_front_of_ollama_is_not_blamed_on_an_input(ollama_over, fake):
    fake.instead = problem(400, "plain HTTP request was sent to HTTPS port")
    with pytest.raises(TransientError, match="HTTPS port"):
        await (await ollama_over(fake)).identify()
