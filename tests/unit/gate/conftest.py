"""The command line over systems in memory, as the other commands' tests have it."""

from pathlib import Path

import pytest

from schemas import Verdict, VerifyEvidence
from streams.cli.exits import Exit
from tests.unit.cli.conftest import hotswap, initialised, systems
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import append, control_end, walk
from tests.unit.gate.observing import GATE

__all__ = ["hotswap", "initialised", "shadow", "systems"]


@pytest.fixture
def shadow(hotswap, initialised):
    """Stage shadow with three documents in both lanes, and a gate that asks for little."""
    path = Path("hotswap.toml")
    path.write_text(path.read_text() + GATE)
    now(rows_of(initialised.log, initialised.embedders["ollama"], ["one", "two", "three"]))
    walk(hotswap, initialised, "dualwrite")
    as_of = control_end(initialised) - 1
    clean = VerifyEvidence(
        id="v",
        by="ann",
        as_of=as_of,
        lane="ollama",
        build=1,
        verdict=Verdict.CLEAN,
        documents=3,
        rows=3,
    )
    append(initialised, clean)
    assert hotswap("stage", "shadow").status == Exit.OK
    return initialised
