"""The Ollama stand-in answers and refuses as Ollama 0.17.4 was seen to do."""

import httpx
import numpy as np
import ollama as official
import pytest

MODEL = "all-minilm"
TOO_LONG = "the input length exceeds the context length"


def embed(ollama, text, **more):
    return ollama.post("/api/embed", json={"model": MODEL, "input": text, **more})


def vectors(response):
    return np.array(response.json()["embeddings"], dtype=np.float32)


def faults(ollama, **wanted):
    assert ollama.post("/admin/faults", json=wanted).is_success


def test_vectors_are_normalised_and_alike_for_alike_texts(ollama):
    texts = ["a cat sat on the mat", "a kitten sat on a rug", "quarterly tax law"]
    got = vectors(embed(ollama, texts))
    assert got.shape == (3, 384)
    assert np.allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)
    assert got[0] @ got[1] > got[0] @ got[2] + 0.2


def test_a_text_has_the_same_vector_whatever_stands_beside_it(ollama):
    alone = vectors(embed(ollama, "alone"))[0]
    beside = vectors(embed(ollama, ["alone", "a much longer text than that one " * 20]))[0]
    assert np.array_equal(alone, beside)


def test_the_vectors_are_those_of_the_real_ollama(ollama):
    """The first numbers of "hello" by Ollama 0.17.4, with half-precision weights."""
    real = np.array([-0.06283297, 0.054930147])
    assert np.allclose(vectors(embed(ollama, "hello"))[0][:2], real, atol=0.01)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("한국어", 3),
        ("w" * 150, 150),
        ("x\u200by", 3),
        ("日本語の文章です", 9),
        ("a\tb.c", 6),
    ],
)
def test_texts_are_split_as_the_real_ollama_splits_them(ollama, text, tokens):
    assert embed(ollama, [text]).json()["prompt_eval_count"] == tokens


def test_accented_words_are_unknown_as_they_are_to_the_real_ollama(ollama):
    naive, cafe, plain = vectors(embed(ollama, ["naïve", "café", "cafe"]))
    assert np.array_equal(naive, cafe)
    assert cafe @ plain < 0.5


@pytest.mark.parametrize(
    ("body", "count", "tokens"),
    [
        ({"input": "hello"}, 1, 3),
        ({"input": ["hello", "hello world"]}, 2, 7),
        ({"input": ""}, 0, None),
        ({"input": []}, 0, None),
        ({}, 0, None),
        ({"input": [""]}, 1, 2),
        ({"input": ["hello", ""]}, 2, 5),
        ({"input": "   "}, 1, 2),
        ({"input": "word " * 510, "truncate": False}, 1, 512),
        ({"input": "word " * 3000, "truncate": True}, 1, 512),
        ({"input": "word " * 3000}, 1, 512),
        ({"input": "word " * 100, "options": {"num_ctx": 64}}, 1, 64),
        ({"input": "word " * 600, "options": {"num_ctx": 1024}}, 1, 512),
        ({"input": "x", "options": None, "truncate": None}, 1, 3),
    ],
)
def test_what_is_taken_and_how_many_tokens_it_has(ollama, body, count, tokens):
    response = ollama.post("/api/embed", json={"model": MODEL, **body})
    assert response.status_code == 200
    assert len(response.json()["embeddings"]) == count
    assert response.json().get("prompt_eval_count") == tokens


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"input": "word " * 511, "truncate": False}, 400, TOO_LONG),
        ({"input": ["good", "word " * 999], "truncate": False}, 400, TOO_LONG),
        ({"input": "word " * 100, "truncate": False, "options": {"num_ctx": 64}}, 400, TOO_LONG),
        ({"input": "word " * 9, "truncate": False, "options": {"num_ctx": 1}}, 400, TOO_LONG),
        ({"input": 5}, 400, "invalid input type"),
        ({"input": [5]}, 400, "invalid input type"),
        ({"model": "nope", "input": "x"}, 404, 'model "nope" not found, try pulling it first'),
    ],
)
def test_what_is_refused_and_how(ollama, body, status, message):
    response = ollama.post("/api/embed", json={"model": MODEL, **body})
    assert (response.status_code, response.json()) == (status, {"error": message})
    assert ollama.get("/admin/stats").json()["inputs"] == 0


@pytest.mark.parametrize("body", [b"", b"{nope", b"[]", b"5"])
def test_a_body_that_is_no_request_is_a_400(ollama, body):
    response = ollama.post("/api/embed", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_fewer_dimensions_are_the_first_ones_normalised_again(ollama):
    full = vectors(embed(ollama, "text"))[0]
    cut = vectors(embed(ollama, "text", dimensions=64))[0]
    assert np.allclose(cut, full[:64] / np.linalg.norm(full[:64]), atol=1e-6)
    assert len(vectors(embed(ollama, "text", dimensions=999))[0]) == 384


def test_the_official_client_understands_all_of_it(ollama):
    client = official.Client(host=str(ollama.base_url), timeout=30, trust_env=False)
    with client:
        (model,) = client.list().models
        assert model.model == "all-minilm:latest"
        assert model.digest is not None
        assert len(model.digest) == 64
        shown = client.show(MODEL)
        assert shown.modelinfo is not None
        assert shown.modelinfo["bert.context_length"] == 512
        assert shown.modelinfo["bert.embedding_length"] == 384
        assert shown.capabilities == ["embedding"]
        assert len(client.embed(MODEL, ["one", "two"], truncate=False).embeddings) == 2
        (running,) = client.ps().models
        assert running.context_length == 512
        assert client.pull(MODEL).status == "success"
        with pytest.raises(official.ResponseError, match="exceeds the context length") as error:
            client.embed(MODEL, "word " * 999, truncate=False)
        assert error.value.status_code == 400
        with pytest.raises(official.ResponseError, match="model 'nope' not found"):
            client.show("nope")


def test_the_root_says_that_it_runs(ollama):
    assert ollama.get("/").text == "Ollama is running"
    assert ollama.head("/").is_success
    assert ollama.get("/api/version").json() == {"version": "0.17.4-stand-in"}


def test_it_can_fail_like_a_runner_that_crashed(ollama):
    faults(ollama, error_status=500, next_calls=1)
    response = embed(ollama, "x")
    assert response.status_code == 500
    assert response.json()["error"].endswith("EOF")
    assert embed(ollama, "x").is_success


def test_its_queue_can_be_full(ollama):
    faults(ollama, queue_full=True)
    response = embed(ollama, "x")
    assert response.status_code == 503
    assert response.json()["error"].startswith("server busy")


def test_it_can_drop_the_connection(ollama):
    faults(ollama, eof=True, next_calls=1)
    with pytest.raises(httpx.RemoteProtocolError):
        embed(ollama, "x")
    assert embed(ollama, "x").is_success
    assert ollama.get("/admin/stats").json()["dropped"] == 1


def test_it_can_hang_and_holds_nobody_up(ollama):
    faults(ollama, hang=True, next_calls=1)
    with pytest.raises(httpx.ReadTimeout):
        ollama.post("/api/embed", json={"model": MODEL, "input": "x"}, timeout=0.3)
    assert embed(ollama, "x").is_success


def test_its_vectors_can_be_wrong_in_every_way(ollama):
    good = vectors(embed(ollama, ["x", "y"]))
    faults(ollama, wrong_dimensions=True)
    assert vectors(embed(ollama, ["x", "y"])).shape == (2, 383)
    ollama.delete("/admin/faults")
    faults(ollama, fewer_vectors=True)
    assert vectors(embed(ollama, ["x", "y"])).shape == (1, 384)
    ollama.delete("/admin/faults")
    faults(ollama, nan=True)
    assert np.isnan(vectors(embed(ollama, ["x", "y"]))).any()
    ollama.delete("/admin/faults")
    faults(ollama, zero=True)
    assert not vectors(embed(ollama, ["x", "y"]))[0].any()
    ollama.delete("/admin/faults")
    faults(ollama, moved=True)
    moved = vectors(embed(ollama, ["x", "y"]))
    assert np.allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
    assert (moved * good).sum(axis=1).max() < 0.5


def test_it_can_become_another_model_or_server(ollama):
    before = ollama.get("/api/tags").json()["models"][0]["digest"]
    faults(ollama, digest="0" * 64, version="0.18.0")
    assert ollama.get("/api/tags").json()["models"][0]["digest"] == "0" * 64 != before
    assert ollama.get("/api/version").json() == {"version": "0.18.0"}
    faults(ollama, gone=True)
    assert ollama.get("/api/tags").json() == {"models": []}
    assert embed(ollama, "x").status_code == 404


def test_a_fault_can_hit_a_share_of_calls(ollama):
    faults(ollama, error_status=500, rate=0.5)
    assert {embed(ollama, "").status_code for _ in range(60)} == {200, 500}


def test_counts_are_of_calls_inputs_and_text(ollama):
    embed(ollama, ["ab", "cde"])
    embed(ollama, 5)
    stats = ollama.get("/admin/stats").json()
    assert (stats["calls"], stats["inputs"], stats["characters"]) == (2, 2, 5)
    assert stats["answers"] == {"200": 1, "400": 1}


@pytest.mark.parametrize("wrong", [{"nann": True}, {"rate": 2}, {"error_status": 200}])
def test_an_unknown_or_impossible_fault_is_refused_and_changes_nothing(ollama, wrong):
    before = ollama.get("/admin/faults").json()
    assert ollama.post("/admin/faults", json={"hang": True, **wrong}).status_code == 422
    assert ollama.get("/admin/faults").json() == before
