"""Settings of the Faust app without which records are lost or partitions go astray."""

import os
import ssl

import faust
import pytest

from streams.agents.app import LedgerApp, make_app, topic_of
from streams.agents.transport import LedgerConsumer
from streams.config import KafkaConfig

KAFKA = KafkaConfig(bootstrap="one:9092,two:9093")


def app_of(kafka: KafkaConfig = KAFKA) -> LedgerApp:
    return make_app(kafka, "hotswap-embed-ollama")


async def test_a_stall_of_hours_does_not_take_a_worker_out_of_its_group_for_good():
    assert app_of().conf.broker_max_poll_interval > 24 * 3600


async def test_a_rebalance_does_not_wait_without_limit_for_a_batch_whose_embedder_is_away():
    app = app_of()
    assert app.conf.stream_wait_empty is False
    assert app.conf.broker_rebalance_timeout <= 120


async def test_commits_follow_the_ledger_and_not_fausts_own_arithmetic():
    assert app_of().transport.Consumer is LedgerConsumer


async def test_bytes_that_are_no_text_reach_the_agent_as_they_are():
    app = app_of()
    topic = topic_of(app, ["documents"])
    assert isinstance(topic, faust.Topic)
    assert app.conf.key_serializer == app.conf.value_serializer == "raw"
    assert topic.key_serializer == topic.value_serializer == "raw"


async def test_a_fresh_group_starts_with_the_oldest_record():
    assert app_of().conf.consumer_auto_offset_reset == "earliest"


async def test_no_folder_is_made_where_a_worker_is_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app_of()._create_directories()
    assert list(tmp_path.iterdir()) == []


async def test_all_brokers_are_asked():
    assert [url.port for url in app_of().conf.broker] == [9092, 9093]


async def test_the_password_is_read_when_the_app_is_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAFKA_PASSWORD", "correct horse")
    kafka = KafkaConfig.model_validate(
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "hotswap",
            "sasl_password": {"env": "KAFKA_PASSWORD"},
        }
    )
    credentials = app_of(kafka).conf.broker_credentials
    assert isinstance(credentials, faust.SASLCredentials)
    assert credentials.password == os.environ["KAFKA_PASSWORD"]
    assert credentials.mechanism.value == "SCRAM-SHA-512"
    assert isinstance(credentials.ssl_context, ssl.SSLContext)
