"""Lanes in memory that hold documents, and queries that are documents' texts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.unit.cli.conftest import (  # noqa: F401 - fixtures
    Hotswap,
    Outcome,
    hotswap,
    initialised,
    systems,
)
from tests.unit.cli.rows import now, rows_of
from tests.unit.quality.judged import own

TEXTS = [f"document number {number}, about subject {number % 7}" for number in range(40)]


@pytest.fixture
def filled(initialised):  # noqa: F811 - a fixture
    """Both lanes hold the same forty documents."""
    for lane, embedder in initialised.embedders.items():
        name = next(c for c in now(initialised.store.collections()) if lane in c)
        rows = now(rows_of(initialised.log, embedder, TEXTS))
        now(initialised.store.upsert(name, rows))
    return initialised


@pytest.fixture
def query_file(tmp_path: Path) -> Callable[[Sequence[int]], Path]:
    """A file of queries, each the text of a document."""

    def write(numbers: Sequence[int]) -> Path:
        path = tmp_path / "queries.jsonl"
        lines = [orjson.dumps({"_id": str(n), "text": TEXTS[n]}) for n in numbers]
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path

    return write


@pytest.fixture
def judgment_file(tmp_path: Path) -> Callable[[Any], Path]:
    """A file of judgments: query id, document id, score."""

    def write(rows: Any) -> Path:
        path = tmp_path / "qrels.tsv"
        lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def files(query_file, judgment_file):
    numbers = range(36)
    return (
        *("--queries", str(query_file(numbers))),
        *("--qrels", str(judgment_file(own(numbers)))),
    )


@pytest.fixture
def quality(hotswap) -> Hotswap:  # noqa: F811 - a fixture
    """The command without its pictures, which take longer than all the rest."""

    def run(*arguments: str) -> Outcome:
        outcome: Outcome = hotswap("quality", *arguments, "--pictures", "none")
        return outcome

    return run
