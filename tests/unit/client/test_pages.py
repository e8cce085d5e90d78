"""What the pages for applications say is what happens: their code runs, their diff is the diff."""

import asyncio
import difflib
import re
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import streams.client
from ops.examples import after
from streams.config.load import load
from streams.services.serving.opened import open_serving
from streams.web.app import make_app
from streams.web.listening import listen, url_of
from streams.web.server import run
from tests.unit.client.world import World

OPS = Path(__file__).parents[3] / "ops"
PAGE = (OPS / "applications.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def world(empty: World) -> World:
    await empty.define()
    await empty.live(0.0, "staff")
    return empty


@asynccontextmanager
async def serving():
    """`hotswap serve` on a free port; its URL."""
    settings = load()
    settings = settings.model_copy(update={"serve": settings.serve.model_copy(update={"port": 0})})
    stop = asyncio.Event()
    with listen(settings.serve) as listening:
        async with open_serving(settings) as opened:
            await opened.first_fold
            app = make_app(opened, settings.serve, None)
            serve = run(app, listening, stop=stop, vital=opened.first_fold, drain_seconds=1)
            serving = asyncio.create_task(serve)
            try:
                yield url_of(listening)
            finally:
                stop.set()
                await serving


@pytest.mark.usefixtures("openfeature")
@pytest.mark.parametrize("code", CODE, ids=["http", "async", "sync", "openfeature"])
async def test_the_code_of_the_page_runs(world, code, capsys):
    del world
    async with serving() as url:
        code = code.replace("http://127.0.0.1:8080", url)
        await asyncio.to_thread(exec, compile(code, "applications.md", "exec"), {})
    said = capsys.readouterr().out
    assert re.search(r"\b(cloud|ollama)\b", said)
    assert "no lane answered" not in said


def test_the_page_lists_every_error_of_the_client():
    errors = {name for name in streams.client.__all__ if "otswap" not in name}
    assert errors <= set(re.findall(r"`(\w+)`", PAGE))


def test_the_diff_of_the_examples_is_the_one_in_their_page():
    folder = OPS / "examples"
    old, new = ((folder / name).read_text().splitlines(True) for name in ("before.py", "after.py"))
    diff = "".join(difflib.unified_diff(old, new, "before.py", "after.py"))
    assert f"```diff\n{diff}```" in (folder / "README.md").read_text()


def test_the_example_with_the_client_searches(empty):
    asyncio.run(empty.define())
    with TestClient(after.app) as http:
        hits = http.get("/search", params={"q": "green", "user": "user-4711", "k": 2}).json()
    assert hits[0]["id"] == "s/1"
    assert hits[0]["colour"] == "green"
    assert hits[0]["score"] > hits[1]["score"]
