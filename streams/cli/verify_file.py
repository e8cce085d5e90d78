"""The file that `hotswap verify --report FILE` writes: JSON or Markdown, whole or not at all."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from streams.cli import output
from streams.errors import ConfigurationError

__all__ = ["must_be_writable", "write_report"]

Data = Mapping[str, Any]
"""`{"source": report or null, "lanes": [report, …]}`, as `--json` prints them."""


def must_be_writable(file: Path) -> None:
    """Pass if a report can be put there: before minutes are spent on making it.

    Raises: ConfigurationError.
    """
    if file.suffix not in (".json", ".md"):
        raise ConfigurationError(f"--report {file}", "is neither .json nor .md", "name it so")
    folder = file.absolute().parent
    if file.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"--report {file}", "can not be written there", "name a file in a folder that is there"
        )


def write_report(file: Path, data: Data) -> None:
    """Put the report there; what was there before stays until it is complete.

    Raises: ConfigurationError if it can not be written.
    """
    import orjson

    if file.suffix == ".json":
        content = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"
    else:
        content = ("\n".join(_markdown(data)) + "\n").encode()
    growing = None
    try:
        with tempfile.NamedTemporaryFile(
            prefix=f".{file.name}-", dir=file.absolute().parent, delete=False
        ) as opened:
            growing = Path(opened.name)
            opened.write(content)
        growing.chmod(0o644)  # tempfile keeps it to its owner
        growing.replace(file)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise ConfigurationError(f"--report {file}", problem, "name another file") from error
    finally:
        if growing is not None:
            growing.unlink(missing_ok=True)


def _markdown(data: Data) -> Iterator[str]:
    yield "# Verify"
    if data["source"] is not None:
        yield from _source(data["source"])
    for report in data["lanes"]:
        yield from _lane(report)


def _source(report: Data) -> Iterator[str]:
    yield from ("", f"## The source database: {report['verdict']}", "", _text(report["reason"]), "")
    yield from _table(
        ("source", "table", "rows", "without text", "documents", "changing"),
        [
            [
                each[name]
                for name in ("source", "table", "rows", "without_text", "documents", "changing")
            ]
            for each in report["sources"]
        ],
    )
    for each in report["sources"]:
        yield from _findings(each)


def _lane(report: Data) -> Iterator[str]:
    title = f"## Lane {report['lane']}, build {report['build']}: {report['verdict']}"
    yield from ("", title, "", _text(report["reason"]), "")
    sample, repair, evidence = report["sample"], report["repair"], report["evidence"]
    facts: list[tuple[str, object]] = [
        ("collection", report["collection"]),
        ("fingerprint", report["fingerprint"]),
        ("snapshot taken", f"{report['at']} ms since the epoch"),
        ("documents", report["documents"]),
        ("rows", report["rows"]),
        ("newer, left out", report["newer"]),
        ("vectors checked", "yes" if report["vectors_checked"] else "no"),
        ("embedded again", "none" if sample is None else _sample(sample)),
        ("mended", "nothing" if repair is None else _repair(repair)),
        (
            "evidence",
            "not recorded" if evidence is None else f"control record {evidence['offset']}",
        ),
    ]
    yield from _table(("", ""), facts)
    for name, (pinned, stored) in report["fingerprint_differences"].items():
        yield f"- {_text(name)}: pinned {_text(pinned)}, the collection has {_text(stored)}"
    yield from _findings(report)
    yield ""
    names = ("shard", "documents", "rows", "newer")
    yield from _table(
        (*names, "findings"),
        [
            [*(shard[name] for name in names), _counts(shard["counts"])]
            for shard in report["shards"]
        ],
    )


def _findings(report: Data) -> Iterator[str]:
    rows = [
        (finding, count, one["id"], one["expected"], one["found"])
        for finding, count in report["counts"].items()
        if count
        for one in report["samples"].get(finding) or [{"id": "", "expected": "", "found": ""}]
    ]
    if rows:
        yield ""
        yield from _table(("finding", "count", "id", "expected", "found"), rows)


def _sample(sample: Data) -> str:
    least = "" if sample["least"] is None else f", least cosine {sample['least']:.4f}"
    return (
        f"{sample['embedded']:,} by seed {sample['seed']}{least}; at least {sample['similarity']}"
    )


def _repair(repair: Data) -> str:
    left = f"; {repair['left']:,} left" if repair["left"] else ""
    return ("would be: " if repair["rehearsed"] else "") + _counts(repair["mended"]) + left


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {finding}" for finding, count in counts.items()) or "none"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _text(value: object) -> str:
    """A cell: what it quotes may come from outside, and is neither markup nor a line of its own."""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    escaped = "".join(f"\\{each}" if each in "\\`*_|<>[]#" else each for each in text)
    return output.one_line(escaped)
