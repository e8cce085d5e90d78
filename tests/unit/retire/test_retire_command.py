"""`hotswap retire`: nothing goes before everything allows it, and then all of it."""

import io
import signal
from dataclasses import replace

import orjson
import pytest
from typer.testing import CliRunner

from schemas import Reopen
from streams.cli.exits import Exit
from streams.cli.main import app
from streams.cli.retire_view import _saved
from streams.core.savings import Savings
from streams.errors import TransientError
from streams.services.control import ControlLog
from tests.unit.cli.conftest import Hotswap, Systems, hotswap, initialised, systems
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import catch_up, control_end, walk
from tests.unit.services.control_world import send

__all__ = ["hotswap", "initialised", "systems"]

FORCED = ("--force", "--reason", "a test")
TEXTS = ["one", "two", "three"]
RETIRE = ("retire", "cloud", "--yes", *FORCED)


def state(systems: Systems):
    return now(ControlLog(systems.log, "control").refresh())


def collection(systems: Systems, lane: str) -> str:
    name: str = state(systems).lanes[lane].pinned.collection
    return name


@pytest.fixture
def complete(hotswap: Hotswap, initialised: Systems) -> Systems:
    """Stage complete, three documents, all of them in both lanes."""
    rows = now(rows_of(initialised.log, initialised.embedders["cloud"], TEXTS))
    now(initialised.store.upsert(collection(initialised, "cloud"), rows))
    vectors = now(initialised.embedders["ollama"].embed(TEXTS))
    others = [replace(row, embedding=one) for row, one in zip(rows, vectors, strict=True)]
    now(initialised.store.upsert(collection(initialised, "ollama"), others))
    walk(hotswap, initialised, "ramp 100")
    for step in ("rampdown", "complete"):
        assert hotswap("stage", step, *FORCED).status == Exit.OK
    return initialised


def test_a_dry_run_shows_what_would_go_and_what_holds_it(hotswap, complete):
    end = control_end(complete)
    ended = hotswap("retire", "cloud", "--dry-run")
    assert ended.status == Exit.HELD
    assert collection(complete, "cloud") in ended.out
    assert "hotswap-embed-cloud" in ended.out
    assert "dry run, nothing was sent: held by retire-hold" in ended.out
    assert "set lanes.cloud.price_per_million_tokens to see the money" in ended.out
    forced = hotswap("retire", "cloud", "--dry-run", *FORCED)
    assert forced.status == Exit.OK
    assert "retiring begins with a verify of ollama" in forced.out
    assert control_end(complete) == end
    assert collection(complete, "cloud") in now(complete.store.collections())


def test_retiring_verifies_orders_and_drops(hotswap, complete):
    gone, stays = collection(complete, "cloud"), collection(complete, "ollama")
    ended = hotswap(*RETIRE)
    assert ended.status == Exit.OK, ended.out + ended.err
    assert "last verify of ollama: clean; 3 documents, each with its row" in ended.out
    assert "accepted by force, over retire-hold: lane cloud is retired" in ended.out
    assert f"dropped {gone}" in ended.out
    assert "hotswap.toml without lane cloud (--write puts it there):" in ended.out
    assert "[lanes.cloud]" not in ended.out
    assert now(complete.store.collections()) == [stays]
    assert state(complete).retired


def test_on_a_terminal_a_bar_shows_the_reading_for_the_money(hotswap, complete, monkeypatch):
    assert complete
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    ended = hotswap("retire", "cloud", "--dry-run", *FORCED)
    assert "reading what changed in documents" in ended.err
    assert " 3/3 " in ended.err


def test_before_its_stage_nothing_can_be_retired(hotswap, initialised):
    walk(hotswap, initialised, "shadow")
    end = control_end(initialised)
    ended = hotswap(*RETIRE)
    assert ended.status == Exit.REJECTED
    assert "only in stage complete" in ended.out
    assert control_end(initialised) == end


def test_the_lane_that_is_read_can_not_be_retired(hotswap, complete):
    ended = hotswap("retire", "ollama", "--yes", *FORCED)
    assert ended.status == Exit.REJECTED
    assert "only the source lane is retired: cloud" in ended.out
    assert hotswap("retire", "nonsense", "--yes").status == Exit.USAGE
    assert len(now(complete.store.collections())) == 2


def test_a_lane_that_is_not_verified_clean_holds_the_drop(hotswap, complete):
    now(complete.store.delete(collection(complete, "ollama"), ["articles/1"]))
    ended = hotswap(*RETIRE)
    assert ended.status == Exit.FAILED
    assert "last verify of ollama: different; 1 missing" in ended.out
    assert "nothing was retired" in ended.out
    assert not state(complete).retired
    assert collection(complete, "cloud") in now(complete.store.collections())


def test_a_second_run_finishes_what_the_first_could_not(hotswap, complete, monkeypatch):
    gone, drop = collection(complete, "cloud"), complete.store.drop

    async def away(_collection):
        raise TransientError("Milvus is away")

    monkeypatch.setattr(complete.store, "drop", away)
    first = hotswap(*RETIRE)
    assert first.status == Exit.UNREACHABLE
    assert "run `hotswap retire cloud` again" in first.err
    assert state(complete).retired
    monkeypatch.setattr(complete.store, "drop", drop)
    second = hotswap("retire", "cloud", "--yes", "--json").json
    assert (second["retired"], second["dropped"], second["verify"]) == (True, [gone], None)
    third = hotswap("retire", "cloud", "--yes", "--json").json
    assert (third["retired"], third["dropped"]) == (True, [])


def test_without_the_lanes_name_nothing_is_done(hotswap, complete):
    assert hotswap
    end = control_end(complete)
    words = ["retire", "cloud", *FORCED]
    for typed in ("", "y\n", "ollama\n"):
        ended = CliRunner().invoke(app, words, input=typed)
        assert ended.exit_code == Exit.USAGE
        assert "is not the lane's name; nothing was done" in ended.stderr
    assert control_end(complete) == end
    ended = CliRunner().invoke(app, [*words, "--json"], input="cloud\n")
    assert ended.exit_code == Exit.OK
    assert orjson.loads(ended.stdout)["retired"]
    assert state(complete).retired


class CtrlC(io.BytesIO):
    """Somebody who presses it instead of answering."""

    def read1(self, _size: int | None = -1) -> bytes:
        signal.raise_signal(signal.SIGINT)
        return b""


def test_ctrl_c_at_the_question_is_an_interruption_and_nothing_is_done(complete, monkeypatch):
    end = control_end(complete)
    monkeypatch.setattr("typer.testing.make_input_stream", lambda *_: CtrlC())
    ended = CliRunner().invoke(app, ["retire", "cloud", *FORCED])
    assert ended.exit_code == Exit.INTERRUPTED
    assert ended.stderr.endswith("to retire it (cloud): \ninterrupted\n")
    assert control_end(complete) == end


def test_written_the_configuration_loads_and_the_old_one_is_kept(hotswap, complete, tmp_path):
    assert complete
    before = (tmp_path / "hotswap.toml").read_text()
    data = hotswap(*RETIRE, "--write", "--json").json
    kept = tmp_path / "hotswap.toml.before-retire"
    assert data["configuration"]["backup"] == kept.name
    assert kept.read_text() == before
    checked = hotswap("config", "check", "--json").json
    assert checked["lanes"] == ["ollama"]
    assert hotswap("status").status == Exit.OK
    assert hotswap("init").status == Exit.OK
    assert hotswap("verify").status == Exit.OK
    assert hotswap("retire", "cloud", "--yes").status == Exit.OK


def test_a_file_that_can_not_be_cleaned_does_not_hold_the_end(hotswap, complete, monkeypatch):
    monkeypatch.setenv("HOTSWAP__LANES__CLOUD__MODEL", "big")
    ended = hotswap(*RETIRE)
    assert ended.status == Exit.OK
    assert "is left as it is: " in ended.out
    assert state(complete).retired


def test_an_order_that_comes_first_is_seen_first(hotswap, complete, monkeypatch):
    real, asked = complete.store.count, []

    async def count_and_be_overtaken(name):
        asked.append(name)
        if len(asked) == 2:  # within the last verify
            await send(complete.log, Reopen(id="r", by="bob", reason="not yet"))
        return await real(name)

    monkeypatch.setattr(complete.store, "count", count_and_be_overtaken)
    catch_up(complete)
    ended = hotswap(*RETIRE)
    assert ended.status == Exit.REJECTED
    assert "bob was faster" in ended.out
    assert len(now(complete.store.collections())) == 2


def test_the_money_is_shown_once_there_is_a_price(hotswap, complete, tmp_path):
    assert complete
    path = tmp_path / "hotswap.toml"
    path.write_text(
        path.read_text().replace("dimensions = 8", "dimensions = 8\nprice_per_million_tokens = 5")
    )
    shown = hotswap("retire", "cloud", "--dry-run").out
    assert "saved until now, in " in shown
    assert ": 0 at 5 a million tokens (0 texts came or changed" in shown
    assert "less than a day is not scaled to 30" in shown
    assert "estimated at most 0 tokens, three bytes each" in shown


@pytest.mark.parametrize("lane", ["cloud", None])
def test_a_price_is_asked_for_only_where_one_can_be_set(lane):
    said = _saved(Savings(60.0, 2, 100, None, None, None, None), lane)
    assert said.startswith("saved until now, in 1 min: 100 tokens (2 texts came or changed")
    assert ("set lanes.cloud.price_per_million_tokens" in said) == (lane is not None)


def test_the_money_says_that_queries_come_on_top(hotswap, complete):
    assert complete
    shown = hotswap("retire", "cloud", "--dry-run").out
    assert "that is for documents only: queries that the lane embeds come on top" in shown
    savings = hotswap("retire", "cloud", "--dry-run", "--json").json["savings"]
    assert savings["of"] == "documents, without queries"
    assert savings["tokens_by"].startswith("estimated: UTF-8 bytes / 3")
