"""Kafka Connect in distributed mode, with Debezium's Postgres connector on its class path."""

import signal
from threading import Event

from streams.stack import jars
from streams.stack.home import Home
from streams.stack.part import Launch, Say
from streams.stack.parts.checks import not_ok
from streams.stack.parts.java import ENVIRONMENT, java, properties

__all__ = ["Connect"]

_LARGEST_RECORD = 8 * 1024 * 1024


class Connect:
    """One worker. It makes its three internal topics by itself."""

    name = "connect"
    needs = ("kafka",)
    ports = ("connect",)
    stop = signal.SIGTERM
    patience = 15.0
    deadline = 120.0

    def fetch(self, say: Say, cancel: Event) -> None:
        """Bring the jars."""
        jars.fetch("connect", say, cancel)

    def launch(self, home: Home) -> Launch:
        """Run the worker; connectors come later, through its REST interface."""
        file = home.etc(self.name) / "worker.properties"
        url = f"http://127.0.0.1:{home.port('connect')}"
        return Launch(
            command=java("connect", "org.apache.kafka.connect.cli.ConnectDistributed", str(file)),
            env=ENVIRONMENT,
            files={file: _properties(url, f"127.0.0.1:{home.port('kafka')}")},
        )

    def missing(self, home: Home) -> str | None:
        """Nothing once the worker has joined its group, which it must to list connectors."""
        return not_ok(f"http://127.0.0.1:{home.port('connect')}/connectors")


def _properties(url: str, bootstrap: str) -> str:
    settings: dict[str, object] = {
        "bootstrap.servers": bootstrap,
        "group.id": "connect",
        "listeners": url,
        "plugin.discovery": "service_load",
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "config.storage.topic": "connect-configs",
        "config.storage.replication.factor": 1,
        "offset.storage.topic": "connect-offsets",
        "offset.storage.replication.factor": 1,
        "offset.storage.partitions": 1,
        "status.storage.topic": "connect-status",
        "status.storage.replication.factor": 1,
        "status.storage.partitions": 1,
        "topic.creation.enable": "true",
        # After a crash less is sent twice.
        "offset.flush.interval.ms": 1000,
        # A lone worker that comes back takes its connectors at once.
        "scheduled.rebalance.max.delay.ms": 0,
        "producer.max.request.size": _LARGEST_RECORD,
    }
    return properties(settings)
