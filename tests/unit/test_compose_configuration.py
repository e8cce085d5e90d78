"""What the containers' configuration says fits what docker-compose.yml runs."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from streams.config import OllamaConfig, OpenAIConfig, Settings
from streams.config.load import load as load_settings
from streams.services.connector import connector_config
from streams.stack.cloud import DIMENSIONS, MODEL
from tests.compose_file import ROOT, env_example, interpolated, load

SERVICES: dict[str, dict[str, Any]] = load(ROOT / "docker-compose.yml")["services"]
ROLES = {
    name: " ".join(service.get("command", ()))
    for name, service in SERVICES.items()
    if service["image"].startswith("hotswap:")
}
SECRETS = {"OPENAI_API_KEY": "filled in", "POSTGRES_PASSWORD": "filled in too"}


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch):
    def settings_of(service: str, *, stand_in: bool = False) -> Settings:
        values = env_example(stand_in=stand_in) | SECRETS
        for name, value in SERVICES[service]["environment"].items():
            monkeypatch.setenv(name, interpolated(str(value), values))
        (mount,) = SERVICES[service]["configs"]
        assert mount["target"] == "/etc/hotswap/hotswap.toml"
        return load_settings(ROOT / "ops/docker/hotswap.toml")

    return settings_of


@pytest.mark.parametrize("service", ROLES)
@pytest.mark.parametrize("stand_in", [False, True], ids=["cloud", "stand-in"])
def test_every_role_reads_the_same_settings(settings_of, service, stand_in):
    assert settings_of(service, stand_in=stand_in) == settings_of("init", stand_in=stand_in)


def test_the_cloud_lane_is_openai_unless_the_stand_in_is_chosen(settings_of):
    lane = settings_of("init").lanes["cloud"]
    assert isinstance(lane, OpenAIConfig)
    assert lane.base_url == "https://api.openai.com/v1"
    lane = settings_of("init", stand_in=True).lanes["cloud"]
    assert isinstance(lane, OpenAIConfig)
    assert (lane.base_url, lane.model, lane.dimensions) == (
        "http://cloud:8080/v1",
        MODEL,
        DIMENSIONS,
    )
    assert "stand-in" in SERVICES["cloud"]["profiles"]
    assert lane.api_key.read("lanes.cloud.api_key").get_secret_value() == "filled in"


def test_every_address_is_a_service_and_a_port_that_it_listens_on(settings_of):
    settings = settings_of("init", stand_in=True)
    kafka, port = settings.kafka.bootstrap.split(":")
    assert f"://{kafka}:{port}," in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    cloud, ollama = settings.lanes["cloud"], settings.lanes["ollama"]
    assert isinstance(ollama, OllamaConfig)
    for url in (settings.milvus.uri, settings.connect.url, cloud.base_url, *ollama.hosts):
        parts = urlsplit(url)
        (published,) = SERVICES[str(parts.hostname)]["ports"]
        assert published.endswith(f":{parts.port}")


def test_debezium_reads_the_database_that_is_made(settings_of):
    settings = settings_of("init")
    config = connector_config(settings)
    made = SERVICES["postgres"]["environment"]
    assert config["database.hostname"] == "postgres"
    assert config["database.user"] == made["POSTGRES_USER"]
    assert config["database.dbname"] == made["POSTGRES_DB"]
    password = settings.connect.secrets["database.password"]
    assert password.read("it").get_secret_value() == SECRETS["POSTGRES_PASSWORD"]


def test_the_tables_that_are_made_are_the_sources(settings_of):
    sql = (ROOT / "ops/docker/source.sql").read_text()
    tables = dict(re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", sql, re.DOTALL))
    sources = settings_of("init").sources
    assert {source.topic for source in sources} == {f"cdc.public.{table}" for table in tables}
    for source in sources:
        columns = set(re.findall(r"^    ([a-z_]+)", tables[source.name], re.MULTILINE))
        assert {*source.key, *source.text_columns, *source.metadata} <= columns


def test_ollama_pulls_the_model_that_its_lane_uses(settings_of):
    lane = settings_of("init").lanes["ollama"]
    pulled = [interpolated(word, env_example()) for word in SERVICES["ollama-model"]["command"]]
    assert pulled == ["pull", lane.model]


def test_every_role_runs_once_and_its_health_check_asks_for_it(settings_of):
    lanes = settings_of("init").lanes
    workers = {name: command for name, command in ROLES.items() if command.startswith("worker ")}
    wanted = ["worker normalise", *(f"worker embed {lane}" for lane in lanes)]
    assert sorted(workers.values()) == sorted(wanted)
    for name, command in workers.items():
        role = command.removeprefix("worker ").replace(" ", ":")
        assert SERVICES[name]["healthcheck"]["test"][-1] == role
