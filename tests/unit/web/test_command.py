"""`hotswap serve` at the command line."""

import asyncio
import os
import re
import signal
import sys

import httpx
import pytest
from typer.testing import CliRunner

from streams.cli.exits import Exit
from streams.cli.main import app
from streams.config import ServeConfig
from streams.web.listening import listen

pytestmark = pytest.mark.slow

CONFIGURATION = """\
[kafka]
bootstrap = "127.0.0.1:1"

[milvus]
uri = "http://127.0.0.1:1"

[[sources]]
name = "articles"
topic = "cdc.public.articles"
key = ["id"]
text = "{title}"

[lanes.ollama]
provider = "ollama"
hosts = ["http://127.0.0.1:1"]
model = "small"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "hotswap.toml").write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_port_in_use_is_a_wrong_setting():
    with listen(ServeConfig(port=0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["serve", "--port", str(port)])
    assert result.exit_code == Exit.USAGE
    assert "serve.port" in result.stderr
    assert str(port) in result.stderr


@pytest.mark.usefixtures("folder")
def test_an_address_for_others_wants_a_token():
    result = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0", "--port", "0"])  # noqa: S104
    assert result.exit_code == Exit.USAGE
    assert "serve.token" in result.stderr


async def test_it_lives_without_anything_else_says_where_and_ends_in_order(folder):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli", "serve", "--port", "0",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
            found = re.search(r"listening on (http://127\.0\.0\.1:\d+)", line)
            assert found is not None, line
            assert f"{found[1]}/docs" in (await process.stdout.readline()).decode()
            async with httpx.AsyncClient(base_url=found[1]) as http:
                assert (await http.get("/livez")).status_code == 200
                ready = await http.get("/readyz")
                assert (ready.status_code, ready.json()["ready"]) == (503, False)
                assert (await http.post("/search", json={"text": "x"})).status_code == 503
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == Exit.OK
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
