"""The cloud stand-in answers, limits and fails as a provider does."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import openai
import pytest

from streams.stack.cloud import DIMENSIONS, MODEL


def embed(cloud, text, **more):
    return cloud.post("/v1/embeddings", json={"model": MODEL, "input": text, **more})


def vectors(response):
    return np.array([item["embedding"] for item in response.json()["data"]], dtype=np.float32)


def faults(cloud, **wanted):
    assert cloud.post("/admin/faults", json=wanted).is_success


def error(response):
    return response.json()["error"]


def test_vectors_are_normalised_and_alike_for_alike_texts(cloud):
    texts = ["a cat sat on the mat", "a kitten sat on a rug", "quarterly tax law"]
    got = vectors(embed(cloud, texts))
    assert got.shape == (3, DIMENSIONS)
    assert np.allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)
    assert got[0] @ got[1] > got[0] @ got[2] + 0.2


def test_a_text_has_the_same_vector_whatever_stands_beside_it(cloud):
    alone = vectors(embed(cloud, "alone"))[0]
    beside = vectors(embed(cloud, ["alone", "a much longer text than that one " * 20]))[0]
    assert np.allclose(alone, beside, atol=1e-6)


def test_base64_holds_the_same_numbers(cloud):
    plain = vectors(embed(cloud, "text"))[0]
    packed = embed(cloud, "text", encoding_format="base64").json()["data"][0]["embedding"]
    assert np.array_equal(np.frombuffer(base64.b64decode(packed), dtype="<f4"), plain)


def test_fewer_dimensions_are_the_first_ones_normalised_again(cloud):
    full = vectors(embed(cloud, "text"))[0]
    cut = vectors(embed(cloud, "text", dimensions=64))[0]
    assert np.allclose(cut, full[:64] / np.linalg.norm(full[:64]), atol=1e-6)


def test_usage_counts_tokens(cloud):
    one, two = (embed(cloud, text).json()["usage"] for text in ("word", ["word", "word"]))
    assert one["prompt_tokens"] == one["total_tokens"] > 0
    assert two["total_tokens"] == 2 * one["total_tokens"]


def test_the_official_client_understands_answers_and_errors(cloud):
    with openai.OpenAI(
        base_url=f"{cloud.base_url}/v1",
        api_key=cloud.headers["authorization"].removeprefix("Bearer "),
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    ) as client:
        answer = client.embeddings.create(model=MODEL, input=["one", "two"])
        assert [len(item.embedding) for item in answer.data] == [DIMENSIONS] * 2
        with pytest.raises(openai.NotFoundError) as found:
            client.embeddings.create(model="another", input="one")
        assert found.value.code == "model_not_found"
        faults(cloud, insufficient_quota=True)
        with pytest.raises(openai.RateLimitError) as limited:
            client.embeddings.create(model=MODEL, input="one")
        assert limited.value.code == "insufficient_quota"


@pytest.mark.parametrize(
    ("header", "code"),
    [("Bearer sk-wrong-0123456789", "invalid_api_key"), ("", None), ("Basic", "invalid_api_key")],
)
def test_without_the_key_nothing_is_answered(cloud, header, code):
    cloud.headers["authorization"] = header
    for response in (embed(cloud, "text"), cloud.get("/v1/models")):
        assert response.status_code == 401
        assert error(response)["type"] == "invalid_request_error"
        assert error(response)["code"] == code
        assert "0123456789" not in response.text


@pytest.mark.parametrize(
    ("body", "status", "part_of_message"),
    [
        ({"model": MODEL, "input": ""}, 400, "must not be empty"),
        ({"model": MODEL, "input": []}, 400, "must not be empty"),
        ({"model": MODEL, "input": ["good", ""]}, 400, "must not be empty"),
        ({"model": MODEL}, 400, "required"),
        ({"model": MODEL, "input": 5}, 400, "valid string"),
        ({"model": MODEL, "input": ["x"] * 2049}, 400, "maximum length 2048"),
        ({"model": MODEL, "input": ["good", "word " * 8300]}, 400, "maximum context length"),
        ({"model": MODEL, "input": ["word " * 7000] * 50}, 400, "max 300000 tokens per request"),
        ({"model": MODEL, "input": "x", "dimensions": 257}, 400, "less than or equal to 256"),
        ({"model": MODEL, "input": "x", "dimensions": 0}, 400, "less than or equal to 256"),
        ({"model": MODEL, "input": "x", "encoding_format": "hex"}, 400, "'float' or 'base64'"),
        ({"model": "other", "input": "x"}, 404, "does not exist"),
    ],
)
def test_bad_requests_are_refused_in_the_providers_shape(cloud, body, status, part_of_message):
    response = cloud.post("/v1/embeddings", json=body)
    assert response.status_code == status
    assert set(error(response)) == {"message", "type", "param", "code"}
    assert part_of_message in error(response)["message"]
    assert cloud.get("/admin/stats").json()["inputs"] == 0


def test_what_is_not_json_is_refused(cloud):
    response = cloud.post("/v1/embeddings", content=b"{")
    assert response.status_code == 400
    assert "JSON" in error(response)["message"]


def test_2048_inputs_are_taken(cloud):
    assert len(embed(cloud, ["x"] * 2048).json()["data"]) == 2048


def test_requests_per_minute_are_limited_and_the_wait_is_told(cloud):
    faults(cloud, requests_per_minute=60, burst_seconds=2)
    statuses = [embed(cloud, "x").status_code for _ in range(2)]
    assert statuses == [200, 200]
    refused = embed(cloud, "x")
    assert refused.status_code == 429
    assert (error(refused)["type"], error(refused)["code"]) == ("requests", "rate_limit_exceeded")
    assert refused.headers["retry-after"] == "1"
    wait = int(refused.headers["retry-after-ms"]) / 1000
    assert 0 < wait <= 1
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        time.sleep(deadline - time.monotonic())
    assert embed(cloud, "x").status_code == 200


def test_tokens_per_minute_are_limited(cloud):
    faults(cloud, tokens_per_minute=100)
    assert embed(cloud, "word " * 60).status_code == 200
    refused = embed(cloud, "word " * 60)
    assert refused.status_code == 429
    assert error(refused)["type"] == "tokens"
    assert embed(cloud, "word").status_code == 200


def test_a_request_beyond_the_whole_budget_is_told_so(cloud):
    faults(cloud, tokens_per_minute=10)
    refused = embed(cloud, "word " * 60)
    assert refused.status_code == 429
    assert "too large" in error(refused)["message"]
    assert "retry-after" not in refused.headers


def test_a_429_can_keep_silent_about_the_wait(cloud):
    faults(cloud, requests_per_minute=60, burst_seconds=1, retry_after=False)
    embed(cloud, "x")
    refused = embed(cloud, "x")
    assert refused.status_code == 429
    assert not [name for name in refused.headers if name.startswith("retry-after")]


def test_refused_calls_cost_no_budget(cloud):
    faults(cloud, requests_per_minute=60, burst_seconds=1)
    assert embed(cloud, "").status_code == 400
    assert embed(cloud, "x").status_code == 200


def test_errors_come_at_the_rate_asked_for_and_in_shape(cloud):
    faults(cloud, error_rate=0.5, error_status=503)
    statuses = [embed(cloud, "x").status_code for _ in range(60)]
    assert set(statuses) == {200, 503}
    faults(cloud, error_rate=1)
    assert error(embed(cloud, "x"))["type"] == "server_error"


def test_faults_can_hold_for_the_next_calls_only(cloud):
    faults(cloud, error_rate=1, next_calls=2)
    assert [embed(cloud, "x").status_code for _ in range(4)] == [500, 500, 200, 200]


def test_a_reset_is_an_error_of_the_connection(cloud):
    faults(cloud, reset_rate=1, next_calls=1)
    with pytest.raises(httpx.ReadError):
        embed(cloud, "x")
    assert embed(cloud, "x").status_code == 200
    assert cloud.get("/admin/stats").json()["dropped"] == 1


def test_a_call_that_hangs_never_answers_and_holds_nobody_up(cloud):
    faults(cloud, hang=True, next_calls=1)
    with pytest.raises(httpx.ReadTimeout):
        cloud.post("/v1/embeddings", json={"model": MODEL, "input": "x"}, timeout=0.3)
    assert embed(cloud, "x").status_code == 200


def test_shuffled_answers_are_still_told_apart_by_index(cloud):
    texts = [f"text number {number}" for number in range(40)]
    plain = vectors(embed(cloud, texts))
    faults(cloud, shuffle=True)
    data = embed(cloud, texts).json()["data"]
    order = [item["index"] for item in data]
    assert order != sorted(order)
    assert sorted(order) == list(range(40))
    for item in data:
        assert np.array_equal(np.float32(item["embedding"]), plain[item["index"]])


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_vectors_can_be_short_or_too_few(cloud, encoding):
    faults(cloud, wrong_dimensions=True)
    item = embed(cloud, "x", encoding_format=encoding).json()["data"][0]["embedding"]
    length = len(item) if encoding == "float" else len(base64.b64decode(item)) // 4
    assert length == DIMENSIONS - 1
    faults(cloud, wrong_dimensions=False, fewer_vectors=True)
    assert len(embed(cloud, ["x", "y"], encoding_format=encoding).json()["data"]) == 1


def test_vectors_can_be_another_models_of_the_same_shape(cloud):
    before = np.array(embed(cloud, "x").json()["data"][0]["embedding"])
    faults(cloud, moved=True)
    after = np.array(embed(cloud, "x").json()["data"][0]["embedding"])
    assert np.linalg.norm(after) == pytest.approx(1, abs=1e-5)
    assert before @ after < 0.5


def test_latency_is_added_to_each_call_and_calls_overlap(cloud):
    faults(cloud, latency_ms=300)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: embed(cloud, "x"), range(4)))
    took = time.monotonic() - began
    assert took >= 0.3
    assert cloud.get("/admin/stats").json()["in_flight_most"] > 1


def test_counts_are_of_calls_inputs_and_text(cloud):
    embed(cloud, ["ab", "cde"])
    embed(cloud, "")
    stats = cloud.get("/admin/stats").json()
    assert (stats["calls"], stats["inputs"], stats["characters"]) == (2, 2, 5)
    assert stats["answers"] == {"200": 1, "400": 1}
    assert stats["tokens"] > 0
    assert cloud.delete("/admin/stats").json()["calls"] == 0


@pytest.mark.parametrize("wrong", [{"latency": 5}, {"error_rate": 2}, {"next_calls": -1}])
def test_an_unknown_or_impossible_fault_is_refused_and_changes_nothing(cloud, wrong):
    before = cloud.get("/admin/faults").json()
    assert cloud.post("/admin/faults", json={"hang": True, **wrong}).status_code == 422
    assert cloud.get("/admin/faults").json() == before
