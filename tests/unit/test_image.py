"""What the Dockerfile promises, as far as it can be told without building it."""

import json
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from streams.stack.cloud.faults import Faults
from streams.stack.standin.command import options
from tests.compose_file import ROOT, load

LOCKS = ROOT / "ops/requirements"
IN_IMAGES = ("build", "runtime", "stand-in")
FINAL = ("cloud", "hotswap")


class Stage(NamedTuple):
    base: str
    steps: list[tuple[str, str]]


def stages() -> dict[str, Stage]:
    """Name → base and instructions, in the file's order."""
    text = (ROOT / "ops/docker/Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: dict[str, Stage] = {}
    name = ""
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, name = rest.split(" AS ")
            found[name] = Stage(base, [])
        else:
            found[name].steps.append((word, rest))
    return found


def steps(name: str) -> list[tuple[str, str]]:
    """All instructions that make up a stage's image, those of its bases first."""
    stage = stages().get(name)
    return [] if stage is None else [*steps(stage.base), *stage.steps]


def last(name: str, word: str) -> str:
    return [rest for instruction, rest in steps(name) if instruction == word][-1]


def test_every_base_is_pinned_and_has_a_python_that_the_package_takes():
    known = stages()
    bases = {stage.base for stage in known.values()} - known.keys()
    (image,) = bases
    pinned = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim", image)
    assert pinned
    assert Requirement(f"python{project()['requires-python']}").specifier.contains(pinned[1])


@pytest.mark.parametrize("name", FINAL)
def test_the_image_is_not_root_and_needs_no_shell_and_ends_on_sigterm(name: str):
    assert last(name, "USER") == "10001:10001"
    user = [word for word, _ in steps(name)].index("USER")
    assert all(word != "RUN" for word, _ in steps(name)[user:])
    assert last(name, "ENTRYPOINT").startswith("[")
    assert last(name, "CMD").startswith("[")
    assert last(name, "STOPSIGNAL") == "SIGTERM"


def test_the_stand_in_listens_where_its_port_is_published(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["cloud", *json.loads(last("cloud", "CMD"))])
    chosen = options("streams.stack.cloud", Faults)
    (published,) = load(ROOT / "docker-compose.yml")["services"]["cloud"]["ports"]
    assert (chosen.host, f"{chosen.port}") == ("0.0.0.0", published.rpartition(":")[2])  # noqa: S104
    monkeypatch.setattr(sys, "argv", ["cloud", "--port=1"])
    assert options("streams.stack.cloud", Faults).host == "127.0.0.1"


def test_what_is_built_by_default_is_hotswap():
    assert list(stages())[-1] == "hotswap"


def test_nothing_is_installed_that_is_not_locked_by_hash():
    runs = [rest for stage in stages().values() for word, rest in stage.steps if word == "RUN"]
    calls = [
        call for run in runs for call in re.findall(r"\bpip [^&]*(?:install|wheel) [^&]*", run)
    ]
    assert len(calls) == 5
    for call in calls:
        assert "--require-hashes" in call or "--no-deps" in call
        assert " wheel " not in call or "--no-build-isolation" in call


def test_the_build_sees_what_is_copied_and_nothing_else():
    copied: set[str] = set()
    for stage in stages().values():
        for word, rest in stage.steps:
            if word == "COPY" and not rest.startswith("--from="):
                copied |= set(rest.split()[:-1])
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert copied == {line.removeprefix("!") for line in rules if line.startswith("!")}
    for path in copied:
        assert (ROOT / path).exists()
        assert PurePosixPath(path).parts[0] not in {".git", "tests"}


def test_what_is_taken_from_another_stage_is_that_images_own():
    for name in FINAL:
        (copy,) = [rest for word, rest in stages()[name].steps if word == "COPY"]
        source = "build" if name == "hotswap" else "build-cloud"
        assert copy == f"--from={source} /opt/hotswap /opt/hotswap"


@pytest.mark.parametrize("name", IN_IMAGES)
def test_every_locked_package_has_a_version_and_hashes(name: str):
    text = (LOCKS / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.strip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_the_locks_agree_with_each_other():
    pins: dict[tuple[str, str], str] = {}
    for path in sorted(LOCKS.glob("*.txt")):
        for requirement in locked(path.stem):
            key = (canonicalize_name(requirement.name), str(requirement.marker))
            pinned = str(requirement.specifier)
            assert pins.setdefault(key, pinned) == pinned, f"{path.name}: {requirement}"


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [("runtime", "dependencies"), ("stand-in", "stack"), ("build", "build")],
)
def test_the_locks_are_not_older_than_what_the_package_asks_for(lock: str, wanted: str):
    pins = {canonicalize_name(found.name): found for found in locked(lock)}
    asked = [Requirement(text) for text in asked_for(wanted)]
    relevant = [one for one in asked if canonicalize_name(one.name) in pins]
    assert lock == "stand-in" or len(relevant) == len(asked)
    for one in relevant:
        (version,) = [pin.version for pin in pins[canonicalize_name(one.name)].specifier]
        assert one.specifier.contains(version), f"{one} is locked at {version}"


def locked(lock: str) -> Sequence[Requirement]:
    text = (LOCKS / f"{lock}.txt").read_text()
    lines = re.findall(r"^([a-zA-Z0-9].*?)\s*\\?$", text, re.MULTILINE)
    return [Requirement(line) for line in lines]


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def asked_for(wanted: str) -> list[str]:
    if wanted == "build":
        content = tomllib.loads((ROOT / "pyproject.toml").read_text())
        return list(content["build-system"]["requires"])
    if wanted == "dependencies":
        return list(project()["dependencies"])
    return list(project()["optional-dependencies"][wanted])
