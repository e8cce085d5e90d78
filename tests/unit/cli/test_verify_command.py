"""`hotswap verify` of any build, with a sample, a repair, the source and a report file."""

import orjson
import pytest

from schemas import SourceReport, Verdict
from streams.adapters.memory_database import MemoryDatabase
from streams.cli.exits import Exit
from streams.errors import TransientError
from streams.services.control import ControlLog
from streams.services.verify_source import SourcePhase, SourceProgress
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import catch_up, control_end, walk

TEXTS = ["one", "two", "three", "four"]


@pytest.fixture
def filled(hotswap, initialised):
    """Stage dualwrite, and four documents with their rows in lane `ollama`."""
    walk(hotswap, initialised, "dualwrite")
    rows = now(rows_of(initialised.log, initialised.embedders["ollama"], TEXTS))
    now(initialised.store.upsert(collection(initialised), rows))
    catch_up(initialised)
    return initialised


def collection(systems) -> str:
    state = now(ControlLog(systems.log, "control").refresh())
    return str(state.lanes["ollama"].pinned.collection)


def rows(systems):
    return systems.store._collections[collection(systems)].rows


def swap(systems) -> None:
    one, other = rows(systems)["articles/0"], rows(systems)["articles/1"]
    one["embedding"], other["embedding"] = other["embedding"], one["embedding"]


def test_a_build_is_verified_by_its_number(hotswap, filled):
    (report,) = hotswap("verify", "ollama", "--build", "1", "--json").json
    assert (report["build"], report["verdict"]) == (1, "clean")
    ended = hotswap("verify", "ollama", "--build", "2")
    assert ended.status == Exit.USAGE
    assert "hotswap build start ollama" in ended.err
    assert filled


def test_a_build_without_its_lane_is_no_build(hotswap, filled):
    ended = hotswap("verify", "--build", "1")
    assert ended.status == Exit.USAGE
    assert "name the lane" in ended.err
    assert filled


def test_a_sample_finds_swapped_vectors(hotswap, filled):
    assert hotswap("verify", "ollama", "--no-evidence").status == Exit.OK
    swap(filled)
    assert hotswap("verify", "ollama", "--no-evidence").status == Exit.OK
    ended = hotswap("verify", "ollama", "--sample", "all", "--seed", "5")
    assert ended.status == Exit.FAILED
    assert "4 documents embedded again, seed 5, least cosine" in ended.out
    assert "wrong_vector" in ended.out
    assert "articles/0" in ended.out
    assert hotswap("verify", "ollama", "--sample", "all", "--similarity", "-1").status == Exit.OK


def test_a_sample_of_some_says_its_seed(hotswap, filled):
    (report,) = hotswap("verify", "ollama", "--sample", "2", "--json").json
    assert report["sample"]["embedded"] == 2
    again = ("verify", "ollama", "--sample", "2", "--seed", str(report["sample"]["seed"]), "--json")
    assert hotswap(*again).json[0]["sample"] == report["sample"]
    assert filled


@pytest.mark.parametrize("size", ["0", "-1", "some", "1.5", "²"])
def test_a_sample_is_a_number_or_all(hotswap, filled, size):
    ended = hotswap("verify", "ollama", "--sample", size)
    assert ended.status == Exit.USAGE
    assert "neither a number nor `all`" in ended.err.replace("\n", " ") or "--sample" in ended.err
    assert filled


@pytest.mark.parametrize("option", [("--sample", "1"), ("--repair",)])
def test_what_looks_at_vectors_can_not_go_without_them(hotswap, filled, option):
    ended = hotswap("verify", "ollama", "--no-vectors", *option)
    assert ended.status == Exit.USAGE
    assert "--no-vectors" in ended.err
    assert filled


def test_a_model_that_did_not_fill_the_build_takes_no_sample(hotswap, filled):
    filled.embedders["ollama"].digest = "another"
    ended = hotswap("verify", "ollama", "--sample", "1")
    assert ended.status == Exit.FAILED
    assert "digest: expected None, found 'another'" in ended.err
    assert "hotswap build start ollama" in ended.err


def test_a_repair_mends_and_the_verdict_after_it_is_what_counts(hotswap, filled):
    del rows(filled)["articles/2"]
    ended = hotswap("verify", "ollama", "--repair")
    assert ended.status == Exit.OK
    assert "ollama: different; 1 missing" in ended.out
    assert "mended 1 missing: 1 rows written, 0 deleted, 1 texts embedded" in ended.out
    assert ended.out.index("mended") < ended.out.index("ollama: clean")
    assert "stage shadow may be entered now" in ended.out
    assert rows(filled)["articles/2"]["text_bytes"] == len("three")


def test_as_json_the_repair_stands_beside_the_report(hotswap, filled):
    swap(filled)
    (report,) = hotswap("verify", "ollama", "--repair", "--sample", "all", "--json").json
    assert (report["verdict"], report["repair"]["mended"]) == ("clean", {"wrong_vector": 2})
    assert report["evidence"]["verdict"] == "accepted"


def test_of_a_clean_lane_nothing_is_mended(hotswap, filled):
    was = dict(rows(filled))
    (report,) = hotswap("verify", "ollama", "--repair", "--json").json
    assert (report["verdict"], report["repair"]) == ("clean", None)
    assert rows(filled) == was


def test_a_dry_run_mends_and_records_nothing(hotswap, filled):
    del rows(filled)["articles/2"]
    end, was = control_end(filled), dict(rows(filled))
    ended = hotswap("verify", "ollama", "--repair", "--dry-run")
    assert ended.status == Exit.FAILED
    assert "would mend 1 missing" in ended.out
    assert "not recorded as evidence" in ended.out
    assert (control_end(filled), rows(filled)) == (end, was)


def test_a_lane_that_rests_is_not_mended(hotswap, filled):
    del rows(filled)["articles/2"]
    assert hotswap("pause", "ollama", "--reason", "quota").status == Exit.OK
    ended = hotswap("verify", "ollama", "--repair")
    assert ended.status == Exit.FAILED
    assert "quota" in ended.err
    assert "articles/2" not in rows(filled)


def test_a_report_is_written_as_json(hotswap, filled, tmp_path):
    del rows(filled)["articles/2"]
    file = tmp_path / "report.json"
    ended = hotswap("verify", "ollama", "--report", str(file), "--json")
    assert ended.status == Exit.FAILED
    assert orjson.loads(file.read_bytes()) == {"source": None, "lanes": ended.json}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["hotswap.toml", "report.json"]


def test_a_report_is_written_as_markdown_that_obeys_nothing(hotswap, filled, tmp_path):
    rows(filled)["crafted"] = rows(filled)["articles/1"] | {"id": "x|<b>\n# y"}
    file = tmp_path / "report.md"
    file.write_text("what was there before", encoding="utf-8")
    assert hotswap("verify", "ollama", "--repair", "--report", str(file)).status == Exit.FAILED
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# Verify\n\n## Lane ollama, build 1: different\n")
    assert "| extra | 1 | x\\|\\<b\\>\\n\\# y |" in text
    assert "| 0 | " in text
    assert "mended | would be: none; 1 left |" in text


@pytest.mark.parametrize(
    ("name", "why"), [("report.txt", "neither .json nor .md"), ("away/report.md", "folder")]
)
def test_a_report_that_can_not_be_written_is_told_before_anything_is_read(
    hotswap, filled, name, why
):
    end = control_end(filled)
    ended = hotswap("verify", "ollama", "--report", name)
    assert ended.status == Exit.USAGE
    assert why in ended.err
    assert control_end(filled) == end


class Source:
    """Stands for the comparison of the database with `documents`."""

    def __init__(self) -> None:
        self.verdict = Verdict.CLEAN
        self.closed = False

    async def verify(self, _settings, _log, _database, *, wait_seconds, on_progress):
        on_progress(SourceProgress(SourcePhase.ROWS, "articles", 1, 2))
        assert wait_seconds == 60
        return SourceReport(at=1, database="Postgres", verdict=self.verdict, reason="so it is")

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def source(monkeypatch) -> Source:
    here, database = Source(), MemoryDatabase({})
    monkeypatch.setattr(database, "close", here.close)
    monkeypatch.setattr("streams.services.open.open_database", lambda _settings: database)
    monkeypatch.setattr("streams.services.verify_source.verify_source", here.verify)
    return here


def test_the_source_is_compared_before_the_lanes(hotswap, filled, source):
    ended = hotswap("verify", "ollama", "--source")
    assert ended.status == Exit.OK
    assert ended.out.index("source database: clean; so it is") < ended.out.index("ollama: clean")
    assert source.closed
    data = hotswap("verify", "ollama", "--source", "--json").json
    assert data["source"]["verdict"] == "clean"
    assert [lane["lane"] for lane in data["lanes"]] == ["ollama"]
    assert filled


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(Verdict.DIFFERENT, Exit.FAILED), (Verdict.INCONCLUSIVE, Exit.INCONCLUSIVE)],
)
def test_the_exit_status_is_of_the_source_and_the_lanes(hotswap, filled, source, verdict, status):
    source.verdict = verdict
    assert hotswap("verify", "ollama", "--source").status == status
    del rows(filled)["articles/2"]
    assert hotswap("verify", "ollama", "--source").status == Exit.FAILED


def test_what_was_found_before_an_outage_is_still_told(
    hotswap, filled, source, monkeypatch, tmp_path
):
    async def away(*_given, **_more):
        raise TransientError("Milvus is away")

    monkeypatch.setattr(filled.store, "count", away)
    file = tmp_path / "report.json"
    ended = hotswap("verify", "ollama", "--source", "--json", "--report", str(file))
    assert ended.status == Exit.UNREACHABLE
    assert (ended.json["source"]["verdict"], ended.json["lanes"]) == ("clean", [])
    assert orjson.loads(file.read_bytes()) == ended.json
    assert source.closed
