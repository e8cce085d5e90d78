"""The `hotswap.toml` that the demo runs on: the stack's addresses, and two sources."""

import json
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from streams.stack.status import Endpoints

__all__ = ["CLOUD_KEY", "write_configuration"]

CLOUD_KEY = "HOTSWAP_CLOUD_KEY"
"""The environment variable that holds the cloud lane's key."""

_TEMPLATE = """\
# Written by `hotswap demo` for the stack in this folder.

[kafka]
bootstrap = {bootstrap}

[milvus]
uri = {milvus}

[connect]
url = {connect}

[connect.config]
{connector}

[[sources]]
name = "articles"
topic = "cdc.public.articles"
key = ["id"]
text = "{{title}}\\n\\n{{body}}"
metadata = ["title", "module", "kind", "views"]

[[sources]]
name = "notes"
topic = "cdc.public.notes"
key = ["module", "number"]
text = "{{body}}"
metadata = ["module"]

[lanes.cloud]
provider = "openai"
base_url = {cloud}
model = {cloud_model}
dimensions = {cloud_dimensions}
api_key = {{ env = "{cloud_key}" }}
price_per_million_tokens = 0.13

[lanes.ollama]
provider = "ollama"
hosts = [{ollama}]
model = {ollama_model}

# Hours and days in earnest; seconds here.
[migration]
full_hold_seconds = 6
safety_seconds = 10
retire_hold_seconds = 5

# A small machine does everything at once here, from the database to both models: latencies say
# little, and nobody is to be turned away when it stands still for a moment.
[gate]
duration_seconds = 20
samples = 400
embedding_p95_ms = 1500
embedding_p99_ms = 3000
search_p95_ms = 500
search_p99_ms = 1500
source_slack_ms = 1500
quality_retention = 0.9

[serve]
port = {serve_port}
deadline_seconds = 10
total_seconds = 20

# All queries are mirrored here; a tenth of them is the default.
[serve.shadow]
sample = 1.0
"""


def write_configuration(path: Path, endpoints: Endpoints, serve_port: int) -> None:
    """Write the configuration for these endpoints; `serve` is to listen on `serve_port`."""
    path.write_text(
        _TEMPLATE.format(
            bootstrap=_quoted(endpoints.kafka_bootstrap),
            milvus=_quoted(endpoints.milvus_uri),
            connect=_quoted(endpoints.connect_url),
            connector=_table(_connector(endpoints.postgres_dsn)),
            cloud=_quoted(endpoints.cloud_url),
            cloud_model=_quoted(endpoints.cloud_model),
            cloud_dimensions=endpoints.cloud_dimensions,
            cloud_key=CLOUD_KEY,
            ollama=_quoted(endpoints.ollama_url),
            ollama_model=_quoted(endpoints.ollama_model),
            serve_port=serve_port,
        ),
        encoding="utf-8",
    )


def _connector(dsn: str) -> dict[str, str]:
    database = conninfo_to_dict(dsn)
    return {
        "database.hostname": str(database["host"]),
        "database.port": str(database["port"]),
        "database.dbname": str(database["dbname"]),
        "database.user": str(database["user"]),
        "poll.interval.ms": "100",
    }


def _table(entries: Mapping[str, str]) -> str:
    return "\n".join(f"{_quoted(name)} = {_quoted(value)}" for name, value in entries.items())


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text)
