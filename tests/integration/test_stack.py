"""The embedded stack: its parts are the real ones, and they come back with what they had."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import numpy as np
import ollama
import openai
import psycopg
import pytest
from pymilvus import MilvusClient

from streams.stack import PARTS, PartEvent, Stack, process
from tests.stack_fixture import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture
def stack(stack: RunningStack) -> Stack:
    """The embedded stack; of other kinds this file says nothing."""
    if not isinstance(stack, Stack):
        pytest.skip("about the embedded stack only")
    return stack


def test_all_parts_run_and_name_their_ports(stack):
    assert set(PARTS) == {part.part for part in stack.status().parts}
    assert stack.status().running
    for part in stack.status().parts:
        assert part.port
        assert part.log.exists()


def test_the_cloud_stand_in_embeds_with_the_key_of_the_endpoints(stack):
    ends = stack.endpoints()
    with openai.OpenAI(base_url=ends.cloud_url, api_key=ends.cloud_api_key) as client:
        (item,) = client.embeddings.create(model=ends.cloud_model, input="text").data
    assert len(item.embedding) == ends.cloud_dimensions


def test_ollama_embeds_with_the_model_of_the_endpoints(stack):
    ends = stack.endpoints()
    with ollama.Client(ends.ollama_url, timeout=60) as client:
        answer = client.embed(ends.ollama_model, ["text"], truncate=False)
        assert len(answer.embeddings[0]) == 384
        version = httpx.get(f"{ends.ollama_url}/api/version", trust_env=False).json()["version"]
    assert ("stand-in" in version) == (ends.ollama_kind == "stand-in")


def test_connect_killed_comes_back(stack):
    url = f"{stack.endpoints().connect_url}/connectors"
    stack.kill("connect")
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    stack.start("connect")
    assert httpx.get(url, trust_env=False).is_success


def test_postgres_killed_comes_back_with_its_rows(stack):
    dsn = stack.endpoints().postgres_dsn
    with psycopg.connect(dsn, autocommit=True) as database:
        database.execute("CREATE TABLE survivors (id int)")
        database.execute("INSERT INTO survivors VALUES (1)")
        stack.kill("postgres")
        with pytest.raises(psycopg.OperationalError):
            database.execute("SELECT 1")
    stack.start("postgres")
    with psycopg.connect(dsn) as database:
        assert database.execute("SELECT * FROM survivors").fetchall() == [(1,)]
        assert database.execute("SHOW wal_level").fetchall() == [("logical",)]
        version = database.execute("SHOW server_version").fetchall()[0][0]
        assert version.startswith("18.")


def test_postgres_frozen_answers_nobody_until_it_is_thawed(stack):
    with psycopg.connect(stack.endpoints().postgres_dsn, autocommit=True) as database:
        stack.freeze("postgres")
        try:
            state = process.tree(_identity(stack, "postgres"))
            for pid in state:
                text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
                assert text.rpartition(") ")[2].startswith("T")
        finally:
            stack.thaw("postgres")
        assert database.execute("SELECT 1").fetchone() == (1,)


def _identity(stack: Stack, part: str) -> process.Identity:
    (pid,) = [each.pid for each in stack.status().parts if each.part == part]
    assert pid is not None
    identity = process.identify(pid)
    assert identity is not None
    return identity


def milvus(stack: Stack) -> MilvusClient:
    # pymilvus would ping every 10 s, which Milvus Lite takes for an attack ("Too many pings").
    rare = {"grpc.keepalive_time_ms": 600_000, "grpc.use_local_subchannel_pool": 1}
    return MilvusClient(stack.endpoints().milvus_uri, timeout=20, dedicated=True, grpc_options=rare)


def test_milvus_killed_comes_back_with_its_rows(stack):
    client = milvus(stack)
    client.create_collection("survivors", dimension=4, id_type="string", max_length=10, timeout=20)
    client.upsert("survivors", [{"id": "a", "vector": [1.0, 0.0, 0.0, 0.0]}], timeout=20)
    client.close()
    stack.kill("milvus")
    stack.start("milvus")
    client = milvus(stack)
    try:
        (hits,) = client.search("survivors", [[1.0, 0.0, 0.0, 0.0]], limit=1, timeout=20)
        assert [hit["id"] for hit in hits] == ["a"]
        client.drop_collection("survivors", timeout=20)
    finally:
        client.close()


@pytest.mark.parametrize("part", ["cloud", "ollama"])
def test_an_embedder_killed_comes_back_at_its_address(stack, part):
    before = stack.endpoints()
    stack.kill(part)
    stack.start(part)
    assert stack.endpoints() == before
    assert stack.status().running


def test_up_on_a_running_stack_keeps_every_process(stack):
    before = [part.pid for part in stack.status().parts]
    events: list[PartEvent] = []
    assert Stack(stack.home).up(on_event=events.append) == stack.endpoints()
    assert {event.phase for event in events} == {"kept"}
    assert [part.pid for part in stack.status().parts] == before


def test_down_leaves_no_process_and_up_finds_the_data_again(tmp_path):
    stack = Stack(tmp_path, die_with=os.getpid())
    try:
        dsn = stack.up(["postgres", "milvus"]).postgres_dsn
        with psycopg.connect(dsn, autocommit=True) as database:
            database.execute("CREATE TABLE kept ()")
        assert len(process.owned(str(stack.home))) >= 3
        stack.down()
        assert process.owned(str(stack.home)) == {}
        assert stack.up(["postgres"]).postgres_dsn == dsn
        with psycopg.connect(dsn) as database:
            database.execute("SELECT * FROM kept")
    finally:
        stack.down()


@pytest.mark.skipif(os.geteuid() != 0, reason="runs as a normal user, as all tests do here")
def test_a_normal_user_can_run_it_too():
    home = Path(tempfile.mkdtemp(prefix="hotswap-"))
    shutil.chown(home, "nobody")
    program = (
        "import pathlib, sys; from streams.stack import Stack;"
        "stack = Stack(pathlib.Path(sys.argv[1]));"
        "print(stack.up(['postgres', 'milvus']).postgres_dsn); stack.down()"
    )
    root = Path(__file__).parents[2]
    try:
        done = subprocess.run(  # noqa: S603
            ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", program, home],  # noqa: S607
            env={**os.environ, "PYTHONPATH": str(root), "HOME": str(home)},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.stdout.startswith("postgresql://"), done.stderr
        assert process.owned(str(home)) == {}
    finally:
        shutil.rmtree(home)


def test_the_stand_in_and_the_real_ollama_agree(tmp_path, monkeypatch):
    """Same vectors, same token counts, same refusals, of the same model."""
    if shutil.which(os.environ.get("HOTSWAP_OLLAMA") or "ollama") is None:
        pytest.skip("no Ollama is installed here: ops/install-ollama.sh")
    texts = ["a cat", "", "naïve café 東京 🙂", "word " * 120, "def f(x):\n    return x"]
    answers = []
    for binary in (os.environ.get("HOTSWAP_OLLAMA") or "ollama", ""):
        monkeypatch.setenv("HOTSWAP_OLLAMA", binary)
        stack = Stack(tmp_path / (binary and "real"), die_with=os.getpid())
        try:
            ends = stack.up(["ollama"])
            assert ends.ollama_kind == ("real" if binary else "stand-in")
            with httpx.Client(base_url=ends.ollama_url, timeout=60, trust_env=False) as client:
                answers.append(_ask(client, texts))
        finally:
            stack.down()
    (real_vectors, *real), (our_vectors, *ours) = answers
    assert ours == real
    assert (np.array(real_vectors) * np.array(our_vectors)).sum(axis=1).min() > 0.98


def _ask(client: httpx.Client, texts: list[str]) -> list[object]:
    def embed(text: object, **more: object) -> httpx.Response:
        return client.post("/api/embed", json={"model": "all-minilm", "input": text, **more})

    good = embed(texts, truncate=False).json()
    refused = [
        embed("word " * 511, truncate=False),
        embed(["x", "word " * 100], truncate=False, options={"num_ctx": 64}),
        embed(5),
        client.post("/api/embed", json={"model": "nope", "input": "x"}),
        client.post("/api/show", json={"model": "nope"}),
        client.post("/api/embed", content=b""),
    ]
    taken = [embed(""), embed([]), embed("word " * 600), embed("x", options={"num_ctx": 16})]
    (model,) = client.get("/api/tags").json()["models"]
    shown = client.post("/api/show", json={"model": "all-minilm"}).json()
    return [
        good["embeddings"],
        good["prompt_eval_count"],
        [(each.status_code, each.json()) for each in refused],
        [(len(each.json()["embeddings"]), each.json().get("prompt_eval_count")) for each in taken],
        (model["name"], model["details"]["family"]),
        (shown["model_info"]["bert.context_length"], shown["capabilities"]),
    ]
