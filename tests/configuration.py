"""A small valid configuration that tests change one line of."""

__all__ = ["BASE"]

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
