"""A real broker that asks who is there: TLS both ways, and logins with and without TLS."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streams.stack import Stack
from streams.stack import stack as stack_module
from streams.stack.home import Home
from streams.stack.part import Launch
from streams.stack.parts import parts
from streams.stack.parts.java import properties
from streams.stack.parts.kafka import Kafka

__all__ = ["PASSWORD", "USER", "SecuredKafka", "secured_kafka"]

USER, PASSWORD = "alice", "open sesame"
LISTENERS = ("SSL", "SASL_SSL", "SASL_PLAINTEXT")
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True)
class SecuredKafka:
    """A running one.

    Attributes:
        ports: security protocol → port on loopback. `SSL` wants a certificate of the client, too.
        authority: PEM file of who signed all certificates.
        certificate: PEM file of a client's certificate.
        key: PEM file of that certificate's key.
    """

    ports: dict[str, int]
    authority: Path
    certificate: Path
    key: Path


class _Broker(Kafka):
    """The stack's broker with more listeners."""

    ports = (*Kafka.ports, *(f"kafka-{listener}" for listener in LISTENERS))

    def __init__(self, identity: Path, authority: Path) -> None:
        super().__init__(fast_compaction=True)
        self._identity = identity
        self._authority = authority

    def launch(self, home: Home) -> Launch:
        launch = super().launch(home)
        ((file, text),) = launch.files.items()
        users = [
            word
            for mechanism in SCRAM
            for word in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
        ]
        (step,) = launch.steps
        return replace(
            launch,
            files={file: text + self._more(home)},
            steps=(replace(step, command=(*step.command, *users)),),
        )

    def _more(self, home: Home) -> str:
        """Of two lines with the same name Java takes the last."""
        at = {name: f"127.0.0.1:{home.port(f'kafka-{name}')}" for name in LISTENERS}
        at["PLAINTEXT"] = f"127.0.0.1:{home.port('kafka')}"
        advertised = [f"{name}://{address}" for name, address in at.items()]
        controller = f"CONTROLLER://127.0.0.1:{home.port('kafka-controller')}"
        protocols = ["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in at)]
        kafka = "org.apache.kafka.common.security"
        logins = {
            f"listener.name.{listener.lower()}.{mechanism.lower()}.sasl.jaas.config": (
                f'{kafka}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
                if mechanism == "PLAIN"
                else f"{kafka}.scram.ScramLoginModule required;"
            )
            for listener in LISTENERS[1:]
            for mechanism in ("PLAIN", *SCRAM)
        }
        return properties(
            {
                "listeners": ",".join([*advertised, controller]),
                "advertised.listeners": ",".join(advertised),
                "listener.security.protocol.map": ",".join(protocols),
                "sasl.enabled.mechanisms": ",".join(("PLAIN", *SCRAM)),
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": self._identity,
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": self._authority,
                "listener.name.ssl.ssl.client.auth": "required",
                **logins,
            }
        )


@contextmanager
def secured_kafka() -> Iterator[SecuredKafka]:
    """Run one in a folder of its own; it goes down with this process, even if that is killed."""
    folder = Path(tempfile.mkdtemp(prefix="hotswap-secured-"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    client = authority.issue_cert("client@127.0.0.1")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client.key")
    broker = authority.issue_cert("127.0.0.1")
    identity = folder / "broker.pem"
    identity.write_bytes(_pkcs8(broker) + b"".join(each.bytes() for each in broker.cert_chain_pems))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            stack_module,
            "all_parts",
            lambda **options: {
                **parts(**options),
                "kafka": _Broker(identity, folder / "authority.pem"),
            },
        )
        running = Stack(folder / "home", die_with=os.getpid())
    try:
        running.up(["kafka"])
        home = Home(folder / "home")
        yield SecuredKafka(
            {name: home.port(f"kafka-{name}") for name in LISTENERS},
            folder / "authority.pem",
            folder / "client.pem",
            folder / "client.key",
        )
    finally:
        running.down()
        shutil.rmtree(folder)


def _pkcs8(certificate: trustme.LeafCert) -> bytes:
    """The key in the one form that Kafka reads from PEM."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
