"""Kafka: one KRaft node that is broker and controller at once."""

import base64
import secrets
import signal
import socket
import struct
from pathlib import Path
from threading import Event

from streams.stack import jars
from streams.stack.errors import StackError
from streams.stack.home import Home
from streams.stack.part import Launch, Say, Step
from streams.stack.parts.java import ENVIRONMENT, java, properties

__all__ = ["Kafka"]

_LARGEST_RECORD = 8 * 1024 * 1024

# ApiVersions, version 0: size, api key 18, version 0, correlation id 1, no client id.
# https://kafka.apache.org/protocol#The_Messages_ApiVersions
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class Kafka:
    """The broker. `fast_compaction`: the cleaner looks for work all the time, for tests."""

    name = "kafka"
    needs = ()
    ports: tuple[str, ...] = ("kafka", "kafka-controller")
    stop = signal.SIGTERM
    patience = 20.0
    deadline = 90.0

    def __init__(self, *, fast_compaction: bool = False) -> None:
        self._fast_compaction = fast_compaction

    def fetch(self, say: Say, cancel: Event) -> None:
        """Bring the jars."""
        jars.fetch("kafka", say, cancel)

    def launch(self, home: Home) -> Launch:
        """Format the log folder at first, then run the server."""
        file = home.etc(self.name) / "server.properties"
        data = home.data(self.name) / "log"
        if "," in str(data):
            raise StackError("kafka", f"takes no folder with a comma in its name: {data}")
        cluster = home.note("kafka-cluster", _cluster_id())
        port = home.port("kafka")
        return Launch(
            command=java("kafka", "kafka.Kafka", str(file)),
            env=ENVIRONMENT,
            files={file: self._properties(data, port, home.port("kafka-controller"))},
            steps=(
                Step(
                    java(
                        "kafka",
                        "kafka.tools.StorageTool",
                        "format",
                        "-t",
                        cluster,
                        "-c",
                        str(file),
                    ),
                    makes=data,
                ),
            ),
        )

    def missing(self, home: Home) -> str | None:
        """Nothing once the broker answers a request."""
        return _missing(home.port("kafka"))

    def _properties(self, data: Path, port: int, controller: int) -> str:
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": data,
            # A topic is made by `hotswap init` or by Connect, with the configuration it needs;
            # one that springs up because a name was misspelt would hide the mistake.
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 2,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 2,
            "group.initial.rebalance.delay.ms": 0,
            # A row's value may be several megabytes; Kafka's own limit is one.
            "message.max.bytes": _LARGEST_RECORD,
            "replica.fetch.max.bytes": _LARGEST_RECORD,
        }
        if self._fast_compaction:
            settings |= {
                "log.cleaner.backoff.ms": 200,
                "log.cleaner.min.cleanable.ratio": 0.01,
                "log.cleaner.min.compaction.lag.ms": 0,
                "log.initial.task.delay.ms": 500,
                "log.segment.delete.delay.ms": 1000,
                "log.retention.check.interval.ms": 1000,
            }
        return properties(settings)


def _cluster_id() -> str:
    # 16 bytes in 22 characters; with a "-" in front it would be taken for an option.
    while (text := base64.urlsafe_b64encode(secrets.token_bytes(16)).decode()[:22])[0] == "-":
        continue
    return text


def _missing(port: int) -> str | None:
    """Ask for the API versions, which a broker answers only once it serves requests."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(_API_VERSIONS)
            connection.settimeout(2)
            answer = connection.recv(10)
    except OSError as error:
        return f"port {port}: {error}"
    if len(answer) < struct.calcsize(">iih"):
        return f"port {port}: the broker closed the connection"
    code = struct.unpack(">iih", answer)[2]
    return None if code == 0 else f"port {port}: the broker answered with error {code}"
