"""`hotswap gate --watch`: looks again, and records only what is new."""

import orjson
import pytest

from streams.cli.exits import Exit
from streams.ports import NewRecord
from tests.unit.cli.walking import control_end
from tests.unit.gate.observing import mirrored, quality

GOOD = [*mirrored(20), quality(0.96, 1.01)]


@pytest.fixture
def between_looks(monkeypatch, shadow):
    """Give it what is published between looks, batch by batch; then it is Ctrl-C."""
    clock, passed = shadow.log._clock, 0
    monkeypatch.setattr(shadow.log, "_clock", lambda: clock() + passed)

    def set_up(*batches) -> None:
        left = iter(batches)

        async def pause(_seconds: float) -> None:
            nonlocal passed
            batch = next(left, None)
            if batch is None:
                raise KeyboardInterrupt
            passed += 11_000
            records = [NewRecord("observations", b"k", one.encode()) for one in batch]
            await shadow.log.append(records)

        monkeypatch.setattr("streams.cli.gate.asyncio.sleep", pause)

    return set_up


def test_each_look_is_a_line_of_json_and_a_verdict_is_recorded_when_it_changes(
    hotswap, shadow, between_looks
):
    before = control_end(shadow)
    between_looks([], [], GOOD, [], [quality(0.5, 0.6)], [])
    ended = hotswap("gate", "--watch", "--json")
    assert ended.status == Exit.INTERRUPTED
    looks = [orjson.loads(line) for line in ended.out.splitlines()]
    assert [(one["verdict"], one["evidence"] is not None) for one in looks] == [
        ("inconclusive", True),
        ("inconclusive", False),
        ("inconclusive", False),
        ("successful", True),
        ("successful", False),
        ("failed", True),
        ("failed", False),
    ]
    assert control_end(shadow) == before + 3


def test_without_a_terminal_each_change_is_a_line(hotswap, between_looks):
    between_looks([], GOOD, [])
    ended = hotswap("gate", "--watch")
    assert (ended.status, ended.err) == (Exit.INTERRUPTED, "interrupted\n")
    first, second = ended.out.splitlines()
    assert " inconclusive; samples, embedding, " in first
    assert second.endswith(" successful; all 12 criteria are met; 1 switched off")


def test_a_dry_run_watches_without_appending(hotswap, shadow, between_looks):
    before = control_end(shadow)
    between_looks(GOOD, [])
    assert hotswap("gate", "--watch", "--dry-run", "--json").out.count("\n") == 3
    assert control_end(shadow) == before


def test_on_a_terminal_the_table_is_drawn_in_place(hotswap, between_looks, monkeypatch):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    between_looks(GOOD)
    ended = hotswap("gate", "--watch")
    assert ended.status == Exit.INTERRUPTED
    assert "gate: " in ended.out
