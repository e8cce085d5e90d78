"""What the containers' configuration says fits what docker-compose.yml runs."""

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import pytest

from streams.config import OllamaConfig, OpenAIConfig, Settings
from streams.config.check import problems
from streams.config.load import load as load_settings
from streams.services.connector import connector_config
from streams.services.roster import every_role
from streams.stack.cloud import DIMENSIONS, MODEL
from tests.compose_file import ROOT, env_example, interpolated, is_once, load

SERVICES: dict[str, dict[str, Any]] = load(ROOT / "docker-compose.yml")["services"]
ROLES = {
    name: " ".join(service.get("command", ()))
    for name, service in SERVICES.items()
    if service["image"].startswith("hotswap:")
}
SECRETS = {
    "OPENAI_API_KEY": "filled in",
    "POSTGRES_PASSWORD": "filled in too",
    "HOTSWAP_SERVE_TOKEN": "filled-in-as-well",
}


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


@pytest.mark.parametrize("service", ["init", "cli"])
def test_whoever_may_be_asked_for_anything_has_all_secrets(settings_of, service, monkeypatch):
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    assert problems(settings_of(service)) == []


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
    running = {
        name: command.split() for name, command in ROLES.items() if not is_once(SERVICES[name])
    }
    roles = every_role(settings_of("init").lanes)
    assert sorted(words[-1] for words in running.values()) == sorted(roles)
    for name, words in running.items():
        module = "streams.web.health" if words == ["serve"] else "streams.agents.health"
        asked = ["CMD", "python", "-m", module, *words[1:]]
        assert SERVICES[name]["healthcheck"]["test"] == asked


def test_a_lane_has_a_worker_for_builds_to_come(settings_of):
    for lane in settings_of("init").lanes:
        assert f"up embed:{lane}" in ROLES.values()


def test_serve_listens_where_its_port_is_published_and_asks_for_the_token(settings_of):
    serve = settings_of("serve").serve
    (published,) = SERVICES["serve"]["ports"]
    assert published.endswith(f":{serve.port}")
    assert ip_address(serve.host).is_unspecified
    assert serve.token is not None
    token = serve.token.read("serve.token").get_secret_value()
    assert token == SECRETS["HOTSWAP_SERVE_TOKEN"]
