"""`hotswap bench` from the outside, over benches that need no stack."""

from dataclasses import replace
from types import SimpleNamespace

import orjson
import pytest
from typer.testing import CliRunner

from streams.bench import suite
from streams.bench.measure import Measure
from streams.cli.exits import Exit
from streams.cli.main import app

GOOD = Measure("good", 96.0, "documents/s", 100.0, 0.96, 0.95, ok=True)
SLOW = Measure("slow", 120.0, "ms", 100.0, 1.2, 1.1, ok=False, at_most=True)
BAD = Measure("bad", 40.0, "documents/s", 100.0, 0.4, 0.5, ok=False, ratios=(0.42, 0.381, 0.4))


class FakeStack:
    """Notes what is started and ended."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def __call__(self, home, *, die_with=None):
        self.calls.append((home.name, die_with is not None))
        return self

    def up(self, parts, *, on_event):
        del on_event
        self.calls.append(("up", *parts))
        return "endpoints"

    def down(self):
        self.calls.append("down")


@pytest.fixture
def stack(monkeypatch) -> FakeStack:
    fake = FakeStack()
    monkeypatch.setattr("streams.stack.Stack", fake, raising=False)
    return fake


@pytest.fixture
def found(monkeypatch) -> dict[str, object]:
    """Bench name → what it finds: measures, or an error to raise."""
    results: dict[str, object] = {name: [GOOD] for name in suite.BENCHES}
    asked: dict[str, object] = {}

    def stand_in(name):
        async def run(endpoints, count, progress):
            assert endpoints == "endpoints"
            progress.begin(f"{name}, warming up", count)
            progress.advance(count)
            asked[name] = count
            result = results[name]
            if isinstance(result, BaseException):
                raise result
            return result

        return run

    for name, bench in list(suite.BENCHES.items()):
        monkeypatch.setitem(suite.BENCHES, name, replace(bench, run=stand_in(name)))
    results["asked"] = asked
    return results


def hotswap(*arguments: str) -> SimpleNamespace:
    result = CliRunner().invoke(app, ["bench", *arguments], env={"COLUMNS": "120"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return SimpleNamespace(status=result.exit_code, out=result.stdout, err=result.stderr)


@pytest.mark.usefixtures("stack", "found")
def test_json_is_a_list_of_measures_and_nothing_else():
    ended = hotswap("pipeline", "--json")
    assert ended.status == Exit.OK
    (measure,) = orjson.loads(ended.out)
    assert list(measure) == [
        "measure",
        "value",
        "unit",
        "reference",
        "ratio",
        "reach",
        "ok",
        "at_most",
        "ratios",
    ]
    assert measure["ok"] is True
    assert "warming up" in ended.err


@pytest.mark.usefixtures("stack")
def test_a_measure_that_does_not_reach_makes_the_status_a_failure(found):
    found["normalise"] = [GOOD, BAD]
    ended = hotswap("normalise")
    assert ended.status == Exit.FAILED
    assert "0.960" in ended.out
    assert "0.381…0.420" in ended.out
    assert "≥ 0.5" in ended.out
    assert "✗" in ended.out


@pytest.mark.usefixtures("stack")
def test_where_less_is_better_the_mark_is_an_upper_one(found):
    found["control"] = [SLOW]
    ended = hotswap("control")
    assert ended.status == Exit.FAILED
    assert "≤ 1.1" in ended.out


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(("bench", "option"), [("control", "--orders"), ("serve", "--searches")])
def test_orders_and_searches_are_counted_by_their_own_names(found, bench, option):
    assert hotswap(bench).status == Exit.OK
    assert found["asked"] == {bench: suite.BENCHES[bench].documents}
    assert hotswap(bench, option, "40").status == Exit.OK
    assert found["asked"] == {bench: 40}


@pytest.mark.usefixtures("found")
def test_only_the_parts_that_a_bench_needs_are_started_and_all_are_ended(stack):
    assert hotswap("lane", "cloud", "--home", "there").status == Exit.OK
    assert stack.calls == [("there", True), ("up", "kafka", "milvus", "cloud"), "down"]


def test_a_bench_that_fails_leaves_no_stack_behind(stack, found):
    found["replay"] = ZeroDivisionError("defect")
    with pytest.raises(ZeroDivisionError):
        hotswap("replay")
    assert stack.calls[-1] == "down"


def test_all_runs_every_bench_on_one_stack_with_their_own_sizes(stack, found):
    found["lane ollama"] = [BAD]
    ended = hotswap("all", "--json")
    assert ended.status == Exit.FAILED
    assert [measure["ok"] for measure in orjson.loads(ended.out)] == [
        name != "lane ollama" for name in suite.BENCHES
    ]
    assert found["asked"] == {name: bench.documents for name, bench in suite.BENCHES.items()}
    assert stack.calls[1] == ("up", "kafka", "milvus", "cloud", "ollama")


@pytest.mark.usefixtures("stack")
def test_documents_can_be_chosen(found):
    hotswap("lane", "ollama", "--documents", "32")
    assert found["asked"] == {"lane ollama": 32}


def test_a_running_stack_is_used_only_if_there_is_one(found, tmp_path):
    ended = hotswap("pipeline", "--stack", str(tmp_path))
    assert ended.status == Exit.FAILED
    assert f"hotswap stack up kafka milvus --home {tmp_path}" in ended.err
    assert found["asked"] == {}


@pytest.mark.usefixtures("found")
def test_too_few_documents_are_wrong_usage(stack):
    assert hotswap("pipeline", "--documents", "1").status == Exit.USAGE
    assert stack.calls == []
