"""A small valid configuration that tests change one line of."""

import os
from pathlib import Path

import pytest

BASE = """\
[kafka]
bootstrap = "127.0.0.1:9092"

[milvus]
uri = "http://127.0.0.1:19530"

[[sources]]
name = "articles"
topic = "cdc.public.articles"
key = ["id"]
text = "{title}"

[lanes.cloud]
provider = "openai"
model = "small"
dimensions = 8
api_key = { env = "CLOUD_KEY" }

[lanes.ollama]
provider = "ollama"
hosts = ["http://127.0.0.1:11434"]
model = "minilm"

[connect.config]
"database.hostname" = "127.0.0.1"
"""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("HOTSWAP"):
            monkeypatch.delenv(name)


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hotswap.toml"
    path.write_text(BASE, encoding="utf-8")
    return path
