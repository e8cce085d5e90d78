"""`hotswap.toml` without one of its lanes, its comments and its order kept.

A removal of lines, checked against what the file means: the result must be the same settings but
for the lane. A file that is written in a way that lines can not be taken out of is refused.
"""

import re
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from streams.config.load import load
from streams.errors import ConfigurationError

__all__ = ["loads", "replace_file", "without_lane"]

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_ENTRY = re.compile(r"^\s*(source|target)\s*=")


def without_lane(text: str, lane: str) -> str:
    """The text without `[lanes.<lane>]`, its tables, and what [migration] says of that lane.

    Raises: ConfigurationError if it can not be done by taking out lines.
    """
    before = _parsed(text)
    if lane not in before.get("lanes", {}):
        return text
    after = _without(text.splitlines(keepends=True), lane, before.get("migration", {}))
    if _parsed(after) != _expected(before, lane):
        raise ConfigurationError(
            f"lanes.{lane}",
            "can not be taken out of the file line by line",
            "remove it by hand, and what [migration] says of it",
        )
    return after


def loads(text: str, name: str) -> None:
    """Make sure that this text is a configuration.

    Raises: ConfigurationError, as `streams.config.load`; environment variables count, too.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8")
        load(file)


def replace_file(path: Path, text: str) -> Path:
    """Put `text` in the file's place, all or nothing; where the old one is kept.

    Raises: ConfigurationError if it can not be written.
    """
    backup = next(
        each
        for number in range(1_000_000)
        if not (
            each := path.with_name(f"{path.name}.before-retire{f'.{number}' * bool(number)}")
        ).exists()
    )
    new = path.with_name(f"{path.name}.new")
    try:
        mode = path.stat().st_mode
        backup.write_bytes(path.read_bytes())
        backup.chmod(mode)
        new.write_text(text, encoding="utf-8")
        new.chmod(mode)
        new.replace(path)
    except OSError as error:
        raise ConfigurationError(
            str(path), f"can not be replaced ({error.strerror})", "write it by hand"
        ) from error
    return backup


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"not": "TOML"}


def _expected(before: dict[str, Any], lane: str) -> dict[str, Any]:
    lanes = {name: table for name, table in before["lanes"].items() if name != lane}
    expected = {**before, "lanes": lanes}
    if "migration" in before:
        expected["migration"] = {
            name: value
            for name, value in before["migration"].items()
            if not (name in {"source", "target"} and value == lane)
        }
    return expected


def _without(lines: list[str], lane: str, migration: dict[str, Any]) -> str:
    kept: list[str] = []
    table: tuple[str, ...] = ()
    held: list[str] = []
    for line in lines:
        header = _HEADER.match(line)
        if header:
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
        goes = table[:2] == ("lanes", lane)
        if header and goes:
            _drop_comment(kept)
        if goes:
            # Comments above the next header are that header's.
            held = [*held, line] if _is_loose(line) and not header else []
            continue
        if held and header:
            kept += _comment(held, after_blank=not kept or not kept[-1].strip())
        held = []
        entry = _ENTRY.match(line) if table == ("migration",) else None
        if entry and migration.get(entry[1]) == lane:
            continue
        kept.append(line)
    return "".join(kept)


def _is_loose(line: str) -> bool:
    stripped = line.strip()
    return not stripped or stripped.startswith("#")


def _comment(lines: list[str], *, after_blank: bool) -> list[str]:
    """The comment among loose lines, without a second blank line above it."""
    while after_blank and lines and not lines[0].strip():
        lines = lines[1:]
    return lines


def _drop_comment(kept: list[str]) -> None:
    """The comment right above a header goes with it."""
    while kept and kept[-1].lstrip().startswith("#"):
        kept.pop()
