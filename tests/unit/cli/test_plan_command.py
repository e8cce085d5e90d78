"""`hotswap plan`: measured on a sample, computed by stated formulas."""

import pytest

from streams.cli.exits import Exit
from streams.cli.output import duration
from streams.errors import TransientError
from streams.ports import NewRecord
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import catch_up, control_end
from tests.unit.preflight.systems import listening_to


@pytest.fixture
def planned(initialised, monkeypatch):
    """Forty documents, and a cloud that counts 50 tokens a call."""
    texts = [f"Text of article {number}." for number in range(40)]
    now(rows_of(initialised.log, initialised.embedders["cloud"], texts))
    listening = listening_to(initialised.embedders, {"cloud": {"usage": {"prompt_tokens": 50}}})
    monkeypatch.setattr("streams.services.wire.listening", listening)
    return initialised


def lane_of(data, name):
    (found,) = [lane for lane in data["lanes"] if lane["lane"] == name]
    return found


def test_tokens_are_the_servers_where_it_counts_and_estimated_where_it_does_not(hotswap, planned):
    assert planned
    data = hotswap("plan", "--json", "--sample", "20").json
    assert data["documents"]["count"] == 40
    assert data["documents"]["sampled"] == 20
    cloud, ollama = lane_of(data, "cloud"), lane_of(data, "ollama")
    assert cloud["tokens"] == 100
    assert cloud["tokens_by"] == "the server's own count of the sample"
    assert ollama["tokens_by"].startswith("estimated: UTF-8 bytes / 3")
    assert ollama["tokens"] > 40 * 6


def test_money_needs_a_price_and_says_which_setting(hotswap, planned, monkeypatch):
    assert planned
    without = hotswap("plan")
    assert "set lanes.cloud.price_per_million_tokens to see the money" in without.out
    assert "money  " not in without.out
    monkeypatch.setenv("HOTSWAP__LANES__CLOUD__PRICE_PER_MILLION_TOKENS", "20000")
    data = hotswap("plan", "--json", "--sample", "20").json
    assert lane_of(data, "cloud")["money"] == pytest.approx(100 * 20_000 / 1e6)
    assert lane_of(data, "ollama")["money"] is None
    assert "2.00" in hotswap("plan", "--sample", "20").out


def test_room_follows_from_dimensions_and_measured_rows(hotswap, planned):
    assert planned
    data = hotswap("plan", "--json").json
    room, row = lane_of(data, "ollama")["room"], data["documents"]["row_bytes"]
    assert room["vector_bytes"] == 40 * 16 * 4
    assert data["hnsw_m"] is None
    assert room["memory_bytes"] == pytest.approx(40 * (16 * 4 + row), abs=1)
    assert room["disk_bytes"] == pytest.approx(2 * 40 * (16 * 4 + row), abs=2)


def test_the_index_that_milvus_would_make_has_its_room(hotswap, planned, monkeypatch):
    async def hnsw():
        return 18

    monkeypatch.setattr(planned.store, "hnsw_m", hnsw)
    data = hotswap("plan", "--json").json
    room, row = lane_of(data, "ollama")["room"], data["documents"]["row_bytes"]
    assert data["hnsw_m"] == 18
    assert room["memory_bytes"] == pytest.approx(40 * (16 * 4 + 18 * 2 * 4 + row), abs=1)
    assert room["disk_bytes"] == pytest.approx(80 * (2 * 16 * 4 + 18 * 2 * 4 + row), abs=2)
    shown = " ".join(hotswap("plan").out.split())
    assert "40 rows * (16 * 4 + 18 * 2 * 4 +" in shown
    assert "HNSW, M 18" in shown
    assert "2 * 40 rows * (2 * 16 * 4 + 18 * 2 * 4 +" in shown


def test_a_half_filled_source_lane_does_not_say_how_many_documents_there_are(hotswap, planned):
    collection = next(name for name in now(planned.store.collections()) if "cloud" in name)
    texts = [f"Text of article {number}." for number in range(40)]
    rows = now(rows_of(planned.log, planned.embedders["cloud"], texts))
    now(planned.store.upsert(collection, rows[:15]))
    about = hotswap("plan", "--json", "--sample", "10").json["documents"]
    assert (about["count"], about["counted"]) == (40, "counted on documents")


def test_a_lane_that_has_done_all_says_how_many_documents_there_are(hotswap, planned):
    collection = next(name for name in now(planned.store.collections()) if "cloud" in name)
    rows = now(rows_of(planned.log, planned.embedders["cloud"], ["one more"] * 41))
    now(planned.store.upsert(collection, rows[1:]))
    catch_up(planned)
    about = hotswap("plan", "--json", "--sample", "10").json["documents"]
    assert (about["count"], about["counted"]) == (
        40,
        "rows of lane cloud, which has done all of documents",
    )
    now(planned.log.append([NewRecord("documents", b"articles/99", b"{}")]))
    assert hotswap("plan", "--json", "--sample", "10").json["documents"]["count"] == 42


@pytest.mark.parametrize(
    ("hours", "said"),
    [(13.23, "13.2 h"), (1_000, "1,000.0 h"), (0.31, "18.6 min"), (0.0012, "4.3 s"), (0, "0.0 s")],
)
def test_a_duration_is_told_in_the_unit_that_suits_it(hours, said):
    assert duration(hours) == said


def test_the_table_fits_a_terminal_and_states_its_formula(hotswap, planned, monkeypatch):
    assert planned
    monkeypatch.setenv("COLUMNS", "80")
    ended = hotswap("plan")
    assert ended.status == Exit.OK
    assert max(map(len, ended.out.splitlines()[1:])) <= 80
    assert "40 rows * (16 * 4 +" in " ".join(ended.out.split())
    assert "covers it" in ended.out


def test_a_lane_that_is_away_is_named_and_the_other_is_planned(hotswap, planned, monkeypatch):
    async def away():
        raise TransientError("it is away")

    monkeypatch.setattr(planned.embedders["ollama"], "identify", away)
    monkeypatch.setattr("streams.services.preflight.asked._wait", lambda _state: 0)
    ended = hotswap("plan", "--json")
    assert ended.status == Exit.FAILED
    assert [lane["lane"] for lane in ended.json["lanes"]] == ["cloud"]
    assert ended.json["failed"] == {"ollama": "it is away"}
    assert "lane ollama could not be measured: it is away" in ended.err


def test_a_call_that_fails_once_is_made_again(hotswap, planned, monkeypatch):
    monkeypatch.setattr("streams.services.preflight.asked._wait", lambda _state: 0)
    planned.embedders["ollama"].failures.append(TransientError("busy"))
    assert hotswap("plan", "--json").json["failed"] == {}


def test_without_documents_it_says_what_to_start(hotswap, initialised):
    assert initialised
    ended = hotswap("plan")
    assert ended.status == Exit.USAGE
    assert "hotswap worker normalise" in ended.err


def test_nothing_is_appended_and_nothing_stored(hotswap, planned):
    end = control_end(planned)
    assert hotswap("plan").status == Exit.OK
    assert control_end(planned) == end
    (name, *_) = now(planned.store.collections())
    assert now(planned.store.count(name)) == 0
