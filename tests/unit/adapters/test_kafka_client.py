import ssl

import pytest

from streams.adapters.kafka_client import client_options
from streams.config.kafka import KafkaConfig
from streams.config.secrets import SecretRef
from streams.errors import ConfigurationError


def _with_login(**more):
    return KafkaConfig(
        bootstrap="kafka-1:9092,kafka-2:9092",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="hotswap",
        sasl_password=SecretRef(env="KAFKA_PASSWORD"),
        **more,
    )


def test_without_security_nothing_is_passed_but_the_address():
    options = client_options(KafkaConfig(bootstrap="kafka-1:9092,kafka-2:9092"))
    assert options == {
        "bootstrap_servers": "kafka-1:9092,kafka-2:9092",
        "client_id": "hotswap",
        "security_protocol": "PLAINTEXT",
    }


def test_a_login_is_passed_through_with_its_secret(monkeypatch):
    monkeypatch.setenv("KAFKA_PASSWORD", "open sesame")
    options = client_options(_with_login(security_protocol="SASL_SSL"))
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_username"] == "hotswap"
    assert options["sasl_plain_password"] == "open sesame"  # noqa: S105
    assert isinstance(options["ssl_context"], ssl.SSLContext)


def test_a_missing_secret_is_named(monkeypatch):
    monkeypatch.delenv("KAFKA_PASSWORD", raising=False)
    with pytest.raises(ConfigurationError, match=r"kafka\.sasl_password.*KAFKA_PASSWORD"):
        client_options(_with_login(security_protocol="SASL_PLAINTEXT"))


def test_tls_checks_certificates_and_host_names():
    context = client_options(KafkaConfig(security_protocol="SSL"))["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_certificate_file_that_is_not_there_is_named(tmp_path):
    config = KafkaConfig(security_protocol="SSL", ssl_cafile=str(tmp_path / "absent.pem"))
    with pytest.raises(ConfigurationError, match=r"kafka.ssl_cafile: .*absent.pem can not be read"):
        client_options(config)


def test_a_certificate_file_that_holds_no_certificate_is_named(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("not a certificate")
    config = KafkaConfig(security_protocol="SSL", ssl_cafile=str(empty))
    with pytest.raises(ConfigurationError, match=r"kafka.ssl: .*empty.pem"):
        client_options(config)
