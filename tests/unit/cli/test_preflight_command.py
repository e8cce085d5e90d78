"""`hotswap preflight`: makes every check, shows it by area, and leaves evidence."""

import pytest

from streams.cli.exits import Exit
from streams.errors import ConfigurationError, TransientError
from streams.ports import Publication
from streams.services.control import ControlLog
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import control_end
from tests.unit.preflight.systems import MemoryInspector, WordEmbedder, database, listening_to


@pytest.fixture
def source(systems, monkeypatch):
    """Embedders that know words, and the rest of what a preflight looks at, in memory."""
    prefixed = {"document_template": "passage: {text}", "query_template": "query: {text}"}
    systems.embedders.update(cloud=WordEmbedder(512), ollama=WordEmbedder(256, **prefixed))
    there = database()
    monkeypatch.setattr("streams.services.open.open_database", lambda _settings: there)
    monkeypatch.setattr(
        "streams.services.preflight.milvus.open_inspector",
        lambda _settings: MemoryInspector(systems.store),
    )
    monkeypatch.setattr("streams.services.wire.listening", listening_to(systems.embedders))
    return there


def failing(report) -> list[tuple[str, str]]:
    return [(c["area"], c["check"]) for c in report["checks"] if c["outcome"] == "fail"]


def test_a_healthy_system_passes_and_the_verdict_opens_dualwrite(hotswap, source, initialised):
    assert source
    now(rows_of(initialised.log, initialised.embedders["cloud"], ["red apples", "green pears"]))
    ended = hotswap("preflight")
    assert ended.status == Exit.OK, ended.out
    assert "recorded as evidence, control record 3\n" in ended.out
    assert "stage dualwrite may be entered now\n" in ended.out
    assert hotswap("stage", "dualwrite").status == Exit.OK


def test_the_report_is_one_json_value_with_its_evidence(hotswap, source, initialised):
    assert source
    assert initialised
    report = hotswap("preflight", "--json").json
    assert failing(report) == []
    assert report["verdict"] in {"pass", "warn"}
    assert report["as_of"] == 2
    assert report["evidence"]["verdict"] == "accepted"
    assert {check["area"] for check in report["checks"]} == {
        "control",
        "database",
        "source articles",
        "connect",
        "topics",
        "milvus",
        "lane cloud",
        "lane ollama",
        "same texts",
    }


def test_time_and_money_are_estimated_from_the_documents_that_there_are(
    hotswap, source, initialised, monkeypatch
):
    assert source
    monkeypatch.setenv("HOTSWAP__LANES__CLOUD__PRICE_PER_MILLION_TOKENS", "20000")
    texts = ["red apples", "green pears"]
    now(rows_of(initialised.log, initialised.embedders["cloud"], texts))
    report = hotswap("preflight", "--json").json
    cloud, ollama = report["estimates"]
    assert (cloud["lane"], cloud["documents"], cloud["tokens"]) == ("cloud", 2, 4 + 4)
    assert cloud["money"] == pytest.approx(8 * 20_000 / 1e6)
    assert cloud["hours"] == pytest.approx(2 / cloud["documents_per_second"] / 3_600)
    assert (ollama["lane"], ollama["money"]) == ("ollama", None)
    monkeypatch.setenv("COLUMNS", "80")
    shown = hotswap("preflight").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "estimate, at most" in shown
    assert "0.16" in shown
    assert "`hotswap plan` tells money, time and room" in shown


def test_before_there_are_documents_it_points_to_the_plan(hotswap, source, initialised):
    assert source
    assert initialised
    assert hotswap("preflight", "--json").json["estimates"] == []
    shown = hotswap("preflight").out
    assert "no estimate: no document could be embedded yet; `hotswap plan` tells" in shown


def test_a_dry_run_makes_the_same_checks_and_records_nothing(hotswap, source, initialised):
    assert source
    end = control_end(initialised)
    ended = hotswap("preflight", "--dry-run")
    assert ended.status == Exit.OK
    assert "not recorded as evidence: dry run" in ended.out
    assert hotswap("preflight", "--dry-run", "--json").json["evidence"] is None
    assert control_end(initialised) == end


def test_in_brief_only_what_did_not_pass_is_shown_and_all_of_it_counts(
    hotswap, source, initialised
):
    assert source
    end = control_end(initialised)
    checks = hotswap("preflight", "--dry-run", "--json").json["checks"]
    lines = hotswap("preflight", "--brief").out.splitlines()
    shown = [line.split()[0] for line in lines if line.startswith(("  pass", "  warn", "  fail"))]
    assert sorted(shown) == sorted(c["outcome"] for c in checks if c["outcome"] != "pass")
    assert any(f"{len(checks) - len(shown)} pass" in line for line in lines)
    assert control_end(initialised) == end + 1


def test_a_failed_check_is_shown_with_its_remedy_and_is_evidence_against(
    hotswap, source, initialised, monkeypatch
):
    assert initialised
    monkeypatch.setenv("COLUMNS", "80")
    source.publications["hotswap"] = Publication("hotswap", frozenset(), frozenset({"insert"}))
    ended = hotswap("preflight")
    assert ended.status == Exit.FAILED
    assert max(map(len, ended.out.splitlines())) <= 80
    shown = " ".join(ended.out.split())
    assert "ALTER PUBLICATION hotswap ADD TABLE public.articles;" in shown
    held = hotswap("stage", "dualwrite", "--force", "--reason", "r", "--json")
    assert held.status == Exit.HELD
    assert held.json["guard"] == "preflight"


def test_systems_that_are_away_fail_their_checks_and_no_others(
    hotswap, source, initialised, monkeypatch
):
    assert source

    async def away(*_):
        raise TransientError("it is away")

    monkeypatch.setattr(initialised.connect, "plugins", away)
    monkeypatch.setattr(source, "version", away)
    monkeypatch.setattr(initialised.embedders["ollama"], "identify", away)
    monkeypatch.setattr("streams.services.preflight.asked._wait", lambda _state: 0)
    monkeypatch.setattr(MemoryInspector, "version", away)
    ended = hotswap("preflight", "--json")
    assert ended.status == Exit.FAILED
    assert failing(ended.json) == [
        ("database", "reachable"),
        ("connect", "reachable"),
        ("milvus", "reachable"),
        ("lane ollama", "reachable"),
    ]


def test_before_init_it_says_what_to_run_and_records_nothing(hotswap, source, systems):
    assert source
    assert systems
    ended = hotswap("preflight", "--json")
    assert ended.status == Exit.FAILED
    assert ended.json["as_of"] is None
    assert ended.json["evidence"] is None
    (control,) = [c for c in ended.json["checks"] if c["area"] == "control"]
    assert control["remedy"] == "run `hotswap init`"


def test_a_model_replaced_since_init_is_named(hotswap, source, initialised):
    assert source
    initialised.embedders["ollama"].digest = "another"
    assert failing(hotswap("preflight", "--json").json) == [("lane ollama", "fingerprint")]


def test_weights_swapped_under_the_same_name_are_found(hotswap, source, initialised):
    assert source
    embedder = initialised.embedders["ollama"]
    embedder.weights = "others"
    assert failing(hotswap("preflight", "--json").json) == [("lane ollama", "canary vectors")]
    embedder.weights = ""
    assert failing(hotswap("preflight", "--json").json) == []


def test_a_key_that_is_missing_fails_its_lane_only(hotswap, source, initialised, monkeypatch):
    assert source
    assert initialised

    real = initialised.embedders["ollama"]

    def opened(_settings, lane):
        if lane == "cloud":
            raise ConfigurationError("lanes.cloud.api_key", "CLOUD_KEY is not set", "set it")
        return real

    monkeypatch.setattr("streams.services.open.open_embedder", opened)
    report = hotswap("preflight", "--json").json
    assert failing(report) == [("lane cloud", "reachable")]


def test_a_connector_elsewhere_warns_that_nothing_was_looked_at(
    hotswap, source, initialised, tmp_path
):
    assert source
    assert initialised
    path = tmp_path / "hotswap.toml"
    path.write_text(path.read_text().partition("[connect.config]")[0])
    report = hotswap("preflight", "--json").json
    warned = [(c["area"], c["check"]) for c in report["checks"] if c["outcome"] == "warn"]
    assert {("connect", "looked at"), ("database", "looked at")} <= set(warned)


def test_an_order_given_meanwhile_is_not_covered(hotswap, source, initialised):
    """`as_of` is from before the first look."""
    assert source
    hotswap("pause", "ollama", "--reason", "r", "--force")
    before = control_end(initialised)
    report = hotswap("preflight", "--json").json
    assert report["as_of"] == before - 1
    state = now(ControlLog(initialised.log, "control").refresh())
    assert state.evidence["preflight"].evidence.as_of == before - 1


def test_if_kafka_is_lost_after_the_checks_the_report_is_still_given(
    hotswap, source, initialised, monkeypatch
):
    assert source

    async def away(_records):
        raise TransientError("Kafka is away")

    monkeypatch.setattr(initialised.log, "append", away)
    ended = hotswap("preflight", "--json")
    assert ended.status == Exit.UNREACHABLE
    assert "the verdict could not be recorded as evidence: Kafka is away" in ended.err
    assert failing(ended.json) == []
