"""Whoever asks for a password or a certificate, a role works as on an open broker."""

import pytest

from streams.adapters.kafka_log import KafkaLog
from streams.config import KafkaConfig
from streams.errors import ConfigurationError, TransientError
from tests.agents.conftest import Script, new_bench
from tests.secured_kafka import PASSWORD, USER, secured_kafka

pytestmark = pytest.mark.stack

SECRET = "HOTSWAP_TEST_KAFKA_PASSWORD"  # noqa: S105 - the variable's name


@pytest.fixture(scope="module")
def broker():
    with secured_kafka() as running:
        yield running


@pytest.fixture
def settings(broker, monkeypatch):
    """`settings("SASL_SSL", "PLAIN")`: the `[kafka]` section that gets in."""
    monkeypatch.setenv(SECRET, PASSWORD)

    def settings(protocol: str, mechanism: str | None = None, **changes: object):
        found: dict[str, object] = {
            "bootstrap": f"127.0.0.1:{broker.ports[protocol]}",
            "security_protocol": protocol,
        }
        if mechanism:
            found |= {
                "sasl_mechanism": mechanism,
                "sasl_username": USER,
                "sasl_password": {"env": SECRET},
            }
        else:
            found |= {"ssl_certfile": str(broker.certificate), "ssl_keyfile": str(broker.key)}
        if protocol.endswith("SSL"):
            found["ssl_cafile"] = str(broker.authority)
        return {name: value for name, value in (found | changes).items() if value is not None}

    return settings


@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [
        ("SSL", None),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-256"),
        ("SASL_SSL", "SCRAM-SHA-512"),
        ("SASL_PLAINTEXT", "PLAIN"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512"),
    ],
)
async def test_a_role_takes_every_record_and_acknowledges_it(settings, protocol, mechanism):
    async with new_bench(settings(protocol, mechanism), partitions=2) as bench:
        await bench.produce(100)
        work = Script()
        async with bench.worker(work):
            await bench.until_caught_up()
        assert sorted(filter(None, work.values)) == sorted(b"value %d" % n for n in range(100))
        assert {report.role for report in await bench.reports()} == {"scripted"}


@pytest.mark.parametrize(
    ("protocol", "mechanism", "changes", "named"),
    [
        ("SASL_SSL", "PLAIN", {"sasl_username": "mallory"}, "kafka.sasl_password"),
        ("SASL_SSL", "SCRAM-SHA-512", {"sasl_username": "mallory"}, "kafka.sasl_password"),
        ("SASL_PLAINTEXT", "PLAIN", {"sasl_username": "mallory"}, "kafka.sasl_password"),
        ("SASL_SSL", "PLAIN", {"ssl_cafile": None}, "kafka.ssl_cafile"),
        ("SSL", None, {"ssl_certfile": None, "ssl_keyfile": None}, "kafka.ssl_"),
        (
            "SASL_SSL",
            "PLAIN",
            {"security_protocol": "SASL_PLAINTEXT", "ssl_cafile": None},
            "kafka.security_protocol",
        ),
    ],
)
async def test_who_does_not_get_in_is_told_by_which_setting(
    settings, protocol, mechanism, changes, named
):
    log = KafkaLog(KafkaConfig.model_validate(settings(protocol, mechanism, **changes)))
    with pytest.raises((ConfigurationError, TransientError), match=named):
        await log.ends("any")
    await log.close()


async def test_a_name_that_the_certificate_does_not_hold_is_not_trusted(settings):
    asked = settings("SASL_SSL", "PLAIN")
    asked["bootstrap"] = asked["bootstrap"].replace("127.0.0.1", "localhost")
    log = KafkaLog(KafkaConfig.model_validate(asked))
    with pytest.raises(ConfigurationError, match="host name its certificate holds"):
        await log.ends("any")
    await log.close()
