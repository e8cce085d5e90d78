"""The stack's endpoints, from the ports and notes that its home remembers."""

from streams.stack.cloud import DIMENSIONS, MODEL
from streams.stack.home import Home
from streams.stack.parts import ollama
from streams.stack.parts.cloud import api_key
from streams.stack.parts.postgres import dsn
from streams.stack.status import Endpoints

__all__ = ["endpoints"]


def endpoints(home: Home) -> Endpoints:
    """Where everything is, or will be once started."""
    return Endpoints(
        kafka_bootstrap=f"127.0.0.1:{home.port('kafka')}",
        connect_url=f"http://127.0.0.1:{home.port('connect')}",
        postgres_dsn=dsn(home.port("postgres")),
        milvus_uri=f"http://127.0.0.1:{home.port('milvus')}",
        cloud_url=f"http://127.0.0.1:{home.port('cloud')}/v1",
        cloud_api_key=api_key(home),
        cloud_model=MODEL,
        cloud_dimensions=DIMENSIONS,
        ollama_url=ollama.url_of(home),
        ollama_model=ollama.MODEL,
        ollama_kind=ollama.kind_of(home),
        data_dir=home.path / "data",
        log_dir=home.path / "logs",
    )
