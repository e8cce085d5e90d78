"""Reading docker-compose.yml and what goes with it, without Docker."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "ENV_EXAMPLE",
    "ROOT",
    "STAND_IN",
    "env_example",
    "interpolated",
    "is_once",
    "load",
    "references",
]

ROOT = Path(__file__).parent.parent
ENV_EXAMPLE = ROOT / "ops/docker/env.example"
STAND_IN = "COMPOSE_PROFILES=stand-in"

_REFERENCE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class _Loader(yaml.SafeLoader):
    """YAML with Compose's own tags."""


def _reset(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    """`!reset` takes what another file said away; what is left is the empty list behind it."""
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node)


_Loader.add_constructor("!reset", _reset)


def load(path: Path) -> dict[str, Any]:
    """A compose file, anchors resolved, variables not."""
    content: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return content


def is_once(service: Mapping[str, Any]) -> bool:
    """Whether it does its work and ends."""
    return service.get("restart") == "no"


def references(text: str) -> list[tuple[str, str, str]]:
    """Every `${NAME:-default}` and `${NAME:?message}`: name, `-`, `?` or nothing, the rest."""
    return [match.groups(default="") for match in _REFERENCE.finditer(text)]  # type: ignore[misc]


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """The text with each reference replaced, as Compose does.

    Raises: KeyError for a variable that is required and not there.
    """

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups(default="")
        if values.get(name):
            return values[name]
        if kind == "-":
            return rest
        raise KeyError(name)

    return _REFERENCE.sub(value, text)


def env_example(*, stand_in: bool = False) -> dict[str, str]:
    """The variables of env.example; with `stand_in`, those that it offers for that instead."""
    lines = ENV_EXAMPLE.read_text().splitlines()
    if stand_in:
        start = lines.index(f"#{STAND_IN}")
        lines = [
            line.removeprefix("#") if start <= index < start + 4 else line
            for index, line in enumerate(lines)
        ]
    pairs = (line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    return dict(pairs)
