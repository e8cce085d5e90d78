"""`hotswap adopt` as people and programs see it."""

import json

import pytest

from streams.adapters.memory_foreign import MemoryForeign
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.cli.exits import Exit
from streams.ports import ForeignRow, ForeignShape, TopicSpec
from tests.unit.cli.conftest import Hotswap, Systems, hotswap, initialised, systems
from tests.unit.cli.rows import now, rows_of

__all__ = ["hotswap", "initialised", "systems"]

ADOPT = ("adopt", "--collection", "old", "--id-field", "doc", "--vector-field", "vec")
PARTS = """
[[sources]]
name = "parts"
topic = "cdc.public.parts"
key = ["number"]
text = "{title}"
"""
PAUSE = ("pause", "cloud", "--force", "--reason", "a test")


@pytest.fixture
def foreign(initialised: Systems, hotswap: Hotswap, monkeypatch) -> MemoryForeign:
    """Three articles, two of them in the old collection, and a row that is nobody's."""
    rows = now(rows_of(initialised.log, initialised.embedders["cloud"], ["one", "two", "three"]))
    held = [ForeignRow(number, row.embedding * 2) for number, row in enumerate(rows[:2])]
    held.append(ForeignRow(99, rows[0].embedding))
    made = MemoryForeign("old", ForeignShape(numbers=True, dimensions=8, metric="L2"), held)
    monkeypatch.setattr("streams.services.open.open_foreign", lambda *_: made)
    assert hotswap(*PAUSE).status == Exit.OK
    return made


def test_the_table_adds_up_and_says_what_is_next(hotswap, foreign, tmp_path):
    assert foreign
    ended = hotswap(*ADOPT, "--unmatched", "left.jsonl")
    assert ended.status == Exit.OK, ended.err
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["rows", "in", "the", "original", "3"] in lines
    assert ["adopted", "2"] in lines
    assert ["unmatched", "1", "no", "such", "document", "of", "articles"] in lines
    assert ["without", "a", "row", "1"] in lines
    assert ["embedding", "calls", "made", "1", "for", "the", "sample", "of", "2", "texts"] in lines
    assert "old, metric L2 -> lane cloud, documents_cloud_" in ended.out
    assert "sample of 2 rows, seed 0: cosine" in ended.out
    assert "about 2 tokens; lanes.cloud.price_per_million_tokens is not set" in ended.out
    assert "unmatched, such as: 99" in ended.out
    assert "texts were not compared: by the sample, 0 to 2 of the adopted rows" in ended.out
    assert "next: `hotswap resume cloud`, then `hotswap verify cloud`" in ended.out
    assert (tmp_path / "left.jsonl").read_text() == "99\n"


def test_as_json_everything_is_there(hotswap, foreign):
    assert foreign
    data = hotswap(*ADOPT, "--json").json
    assert (data["rows"], data["adopted"], data["to_buy"], data["calls"]) == (3, 2, 1, 1)
    assert data["proof"]["holds"] is True
    assert data["taken"]["metric"] == "L2"


def test_as_typed_the_only_source_and_the_source_lane_are_meant(hotswap, foreign):
    assert foreign
    taken = hotswap(*ADOPT, "--json").json["taken"]
    assert (taken["source"], taken["lane"]) == ("articles", "cloud")


def test_the_source_lane_is_that_of_the_migration_whatever_its_name(
    hotswap, foreign, initialised, tmp_path
):
    """The other way round: from Ollama to the cloud."""
    path = tmp_path / "hotswap.toml"
    path.write_text(f'{path.read_text()}\n[migration]\nsource = "ollama"\ntarget = "cloud"\n')
    initialised.store, initialised.log = MemoryStore(), MemoryLog()
    assert hotswap("init").status == Exit.OK
    ended = hotswap(*ADOPT)
    assert ended.status == Exit.USAGE
    assert "8 dimensions, lane ollama has 16" in ended.err
    assert foreign


def test_of_several_sources_one_has_to_be_named(hotswap, foreign, tmp_path):
    assert foreign
    path = tmp_path / "hotswap.toml"
    path.write_text(path.read_text() + PARTS)
    ended = hotswap(*ADOPT)
    assert ended.status == Exit.USAGE
    assert "--source" in ended.err
    assert "choose from: articles, parts" in ended.err
    assert hotswap(*ADOPT, "--source", "articles", "--json").json["adopted"] == 2


def test_before_init_there_is_no_source_lane(hotswap, systems):
    assert systems
    now(systems.log.create(TopicSpec("control", 1, 1)))
    ended = hotswap(*ADOPT)
    assert ended.status == Exit.USAGE
    assert "run `hotswap init`" in ended.err


def test_a_dry_run_says_so(hotswap, foreign):
    assert foreign
    ended = hotswap(*ADOPT, "--dry-run")
    assert "would be adopted" in ended.out
    assert "dry run: nothing was written" in ended.out
    assert hotswap(*ADOPT, "--json").json["adopted"] == 2


def test_a_refusal_has_status_1_and_its_numbers(hotswap, foreign):
    foreign.held = [ForeignRow(row.id, row.vector[::-1]) for row in foreign.held]
    ended = hotswap(*ADOPT)
    assert ended.status == Exit.FAILED
    assert "refused: 2 of 2 sampled vectors are not what the lane's embedder makes" in ended.out
    assert "to do: configure lane cloud with the model that made the vectors" in ended.out
    assert "next:" not in ended.out
    assert json.loads(hotswap(*ADOPT, "--json").out)["refused"]


def test_a_lane_that_works_is_a_usage_error(hotswap, foreign):
    assert foreign
    assert hotswap("resume", "cloud").status == Exit.OK
    ended = hotswap(*ADOPT)
    assert ended.status == Exit.USAGE
    assert "hotswap pause cloud --force" in ended.err


def test_a_file_that_can_not_be_written_is_named(hotswap, foreign):
    assert foreign
    ended = hotswap(*ADOPT, "--unmatched", "no/such/folder")
    assert ended.status == Exit.USAGE
    assert "--unmatched no/such/folder: can not be written" in ended.err


def test_an_id_can_not_obey_the_terminal(hotswap, foreign):
    foreign.held.append(ForeignRow("\x1b[31mred", foreign.held[0].vector))
    assert "\x1b" not in hotswap(*ADOPT).out
