"""`hotswap quality` over lanes in memory."""

import pytest

from streams.cli.exits import Exit
from streams.ports import Purpose
from tests.unit.cli.rows import now
from tests.unit.quality.conftest import TEXTS
from tests.unit.quality.judged import own, published, shuffle

pytestmark = pytest.mark.slow  # each run resamples ten thousand times


@pytest.mark.usefixtures("filled")
def test_a_lane_that_finds_all_keeps_all(quality, files):
    ended = quality(*files, "--out", "r")
    assert ended.status == Exit.OK
    assert "The target keeps 100 % (95 % interval 100\N{EN DASH}100 %)" in ended.out
    assert "of the source's nDCG@10 on 36 queries" in ended.out
    assert "not comparable" in ended.out
    assert "published for the gate" in ended.out


def test_a_lane_whose_vectors_are_mixed_up_is_measurably_worse(quality, filled, files):
    shuffle(filled, "ollama")
    ended = quality(*files, "--out", "r", "--json", "--k", "5")
    assert ended.status == Exit.OK
    ndcg = ended.json["measures"][0]
    assert ndcg["measure"] == "nDCG@5"
    assert ndcg["source"]["value"] == 1.0
    assert ndcg["retention"]["high"] < 0.6
    assert ndcg["worse"] == 36
    assert "measurably worse" in ended.json["sentences"][0]


def test_the_gate_is_told_the_builds_the_measure_and_the_interval(quality, filled, files):
    shuffle(filled, "ollama")
    data = quality(*files, "--out", "r", "--json").json
    (told,) = published(filled)
    assert told.model_dump(mode="json") == data["observation"]
    assert (told.labelled, told.measure, told.queries, told.k) == (True, "nDCG@10", 36, 10)
    assert told.low <= told.retention <= told.high < 1
    assert (told.source.lane, told.source.build) == ("cloud", 1)
    assert (told.target.lane, told.target.build) == ("ollama", 1)
    assert told.source.measures == {"nDCG@10": 1, "R@10": 1, "RR@10": 1}
    assert told.control_version == 2
    assert data["published"] is True


def test_without_judgments_the_lanes_are_held_against_the_noise_floor(quality, filled, query_file):
    queries = query_file(range(36))
    ended = quality("--queries", str(queries), "--out", "r")
    assert ended.status == Exit.OK
    assert "the noise floor" in ended.out
    assert "retention" not in ended.out
    data = quality("--queries", str(queries), "--out", "s", "--json").json
    assert (data["labelled"], data["measures"]) == (False, [])
    overlap, _, tau = data["agreement"]
    assert tau["measure"] == "Kendall's tau"
    assert tau["floor"]["value"] == 1
    assert overlap["floor"]["value"] == 1.0
    assert 0 < overlap["lanes"]["value"] < 1
    told = published(filled)[-1]
    assert (told.labelled, told.measure) == (False, "overlap@10")
    assert told.retention == pytest.approx(overlap["lanes"]["value"])


def test_an_interval_without_an_upper_end_is_not_published(
    quality, filled, query_file, judgment_file
):
    """The source finds but one of three, so that some resamples leave it with nothing."""
    queries = query_file([1, 2, 3])
    qrels = judgment_file([(1, "articles/1", 1), (2, "gone/2", 1), (3, "articles/3", 1)])
    cloud = next(name for name in now(filled.store.collections()) if "cloud" in name)
    now(filled.store.delete(cloud, ["articles/3"]))
    ended = quality("--queries", str(queries), "--qrels", str(qrels), "--out", "r")
    assert ended.status == Exit.OK
    assert "too few for an upper end" in ended.out
    assert "not published for the gate: there is no number with two ends" in ended.out
    assert published(filled) == []


def test_a_dry_run_publishes_nothing_and_still_reports(quality, filled, files, tmp_path):
    ended = quality(*files, "--out", "r", "--dry-run")
    assert ended.status == Exit.OK
    assert "not published for the gate (--dry-run)" in ended.out
    assert published(filled) == []
    assert (tmp_path / "r" / "report.md").exists()
    data = quality(*files, "--out", "s", "--dry-run", "--json").json
    assert data["published"] is False
    assert data["observation"]["measure"] == "nDCG@10"


def test_equal_seeds_give_equal_numbers(quality, filled, files):
    shuffle(filled, "ollama")
    first, again, other = (
        quality(*files, "--out", out, "--json", "--seed", seed).json
        for out, seed in (("a", "1"), ("b", "1"), ("c", "2"))
    )
    assert first["measures"] == again["measures"]
    assert first["sample"] == again["sample"]
    assert first["measures"] != other["measures"]


def test_queries_that_one_lane_refuses_are_counted_named_and_left_out(quality, filled, files):
    filled.embedders["ollama"].refuses = lambda text: text in TEXTS[3:15]
    ended = quality(*files, "--out", "r")
    assert ended.status == Exit.OK
    assert "12 queries were not answered by lane ollama and count for neither" in ended.out
    assert ended.out.count("failed: ollama, query") == 10
    data = quality(*files, "--out", "s", "--json").json
    assert (data["compared"], data["target"]["failed"], data["source"]["failed"]) == (24, 12, 0)
    assert len(data["failures"]) == 10
    assert published(filled)[-1].queries == 24


def test_if_no_query_is_answered_by_both_lanes_there_is_no_result(quality, filled, files, tmp_path):
    filled.embedders["ollama"].refuses = lambda text: text in TEXTS
    ended = quality(*files, "--out", "r")
    assert ended.status == Exit.FAILED
    assert "no query that both lanes answered" in ended.err
    assert "ollama: a text is refused" in ended.err
    assert published(filled) == []
    assert not (tmp_path / "r").exists()


@pytest.mark.usefixtures("filled")
def test_unjudged_queries_are_not_asked_and_are_counted(quality, query_file, judgment_file):
    queries, qrels = query_file(range(36)), judgment_file([*own(range(30)), (30, "articles/1", 0)])
    ended = quality("--queries", str(queries), "--qrels", str(qrels), "--json")
    assert (ended.json["queries"], ended.json["unjudged"], ended.json["compared"]) == (36, 6, 30)


@pytest.mark.usefixtures("filled")
def test_bare_keys_are_of_the_source_that_is_named(quality, query_file, judgment_file):
    queries = query_file(range(30))
    qrels = judgment_file([(number, number, 1) for number in range(30)])
    arguments = ("--queries", str(queries), "--qrels", str(qrels), "--out", "r")
    refused = quality(*arguments)
    assert refused.status == Exit.USAGE
    assert "--source" in refused.err
    assert quality(*arguments, "--source", "articles").status == Exit.OK


@pytest.mark.usefixtures("filled")
def test_judgments_of_documents_that_no_lane_holds_are_refused(quality, query_file, judgment_file):
    queries, qrels = query_file(range(3)), judgment_file([(1, "elsewhere/1", 1)])
    ended = quality("--queries", str(queries), "--qrels", str(qrels))
    assert ended.status == Exit.USAGE
    assert "neither lane holds any" in ended.err
    assert "elsewhere/1" in ended.err


def test_relevant_documents_that_a_lane_lacks_are_told(quality, filled, files):
    name = next(name for name in now(filled.store.collections()) if "ollama" in name)
    now(filled.store.delete(name, ["articles/1", "articles/2"]))
    ended = quality(*files, "--out", "r")
    assert "2 of 36 relevant documents are not in lane ollama" in ended.out


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--source", "articles"), "says nothing without --qrels"),
        (("--qrels", "absent.tsv"), "no such file"),
        (("--qrels", "queries.jsonl", "--source", "nowhere"), "there is no such source"),
        (("--qrels", "queries.jsonl"), 'has no "query-id"'),
        (("--out", "."), "is there already, and not empty"),
        (("--out", "hotswap.toml"), "is there already, and not empty"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_asked(quality, filled, query_file, more, why):
    query_file(range(3))
    calls = filled.embedders["cloud"].calls
    ended = quality("--queries", "queries.jsonl", *more)
    assert ended.status == Exit.USAGE
    assert why in ended.err
    assert filled.embedders["cloud"].calls == calls


def test_a_model_that_was_replaced_is_refused(quality, filled, files):
    filled.embedders["ollama"].digest = "another"
    ended = quality(*files, "--out", "r")
    assert ended.status == Exit.FAILED
    assert "lane ollama, build 1 differs" in ended.err


@pytest.mark.parametrize("part", ["digest", "weights"])
def test_a_model_that_is_replaced_half_way_voids_the_run(quality, filled, files, monkeypatch, part):
    embedder = filled.embedders["ollama"]
    embed = embedder.embed

    async def embed_and_change(texts, purpose=Purpose.DOCUMENT):
        if purpose is Purpose.QUERY:
            setattr(embedder, part, "another")
        return await embed(texts, purpose)

    monkeypatch.setattr(embedder, "embed", embed_and_change)
    ended = quality(*files, "--out", "r")
    assert ended.status == Exit.FAILED
    assert "differs" in ended.err
    assert published(filled) == []


def test_without_a_migration_it_says_what_to_run(hotswap, systems, query_file):
    hotswap("init")
    systems.log._partitions["control"][0].records.clear()
    ended = hotswap("quality", "--queries", str(query_file([1])))
    assert ended.status == Exit.USAGE
    assert "hotswap init" in ended.err


@pytest.mark.usefixtures("filled")
def test_without_its_packages_it_says_how_to_install_them(quality, files, monkeypatch):
    monkeypatch.setattr("streams.cli.lazy.find_spec", lambda _package: None)
    ended = quality(*files)
    assert ended.status == Exit.USAGE
    assert "pip install 'hotswap[quality]'" in ended.err
