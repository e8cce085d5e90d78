"""Each check passes on a healthy system, and names what is wrong and the remedy otherwise."""

from dataclasses import replace

import pytest

from schemas import PreflightVerdict
from streams.core.canaries import LEAST_COSINE, Likeness
from streams.core.preflight import judge
from streams.core.preflight.facts import Drift, SlotFacts, TableFacts, Unreachable
from streams.core.preflight.results import worst
from tests.unit.preflight.world import FINGERPRINT, TABLE, changed, healthy, of, only, replaced

SOURCE, DATABASE, CONNECT, TOPICS = "source articles", "database", "connect", "topics"
AWAY = Unreachable("it is away", "bring it back")


def test_a_healthy_system_passes_every_check():
    assert only(healthy()) == []
    assert worst([one.outcome for one in judge(healthy())]) is PreflightVerdict.PASS


def test_a_remedy_stands_beside_everything_that_did_not_pass_and_nothing_else():
    for facts in (healthy(), changed("sources", found=None), changed("database", slot=None)):
        for one in judge(facts):
            assert bool(one.remedy) is (one.outcome is not PreflightVerdict.PASS)


@pytest.mark.parametrize(
    ("part", "area", "check"),
    [
        ("control", "control", "readable"),
        ("topics", TOPICS, "reachable"),
        ("connect", CONNECT, "reachable"),
        ("database", DATABASE, "reachable"),
        ("milvus", "milvus", "reachable"),
    ],
)
def test_what_can_not_be_reached_fails_once_and_stops_no_other_check(part, area, check):
    facts = replaced(healthy(), part, AWAY)
    assert only(facts) == [(area, check, "fail")]
    assert of(facts, area, check) == ("fail", "it is away", "bring it back")


@pytest.mark.parametrize("part", ["lanes", "probes", "wire"])
def test_a_lane_that_can_not_be_reached_fails_once(part):
    facts = replaced(healthy(), part, {"ollama": AWAY})
    ((_, _, outcome),) = only(facts)
    assert outcome == "fail"


def test_nothing_looked_at_is_no_success():
    assert worst([]) is PreflightVerdict.FAIL


# Sources


def table(**fields):
    return changed("sources", found=replace(TABLE, **fields))


def test_a_missing_table_and_a_missing_column_fail():
    outcome, seen, _ = of(changed("sources", found=None), SOURCE, "table")
    assert (outcome, seen) == (
        "fail",
        "there is no table public.articles, or its user may not see it",
    )
    outcome, seen, _ = of(table(columns=frozenset({"id", "title"})), SOURCE, "columns")
    assert (outcome, seen) == ("fail", "public.articles has no column body, kind")


def test_a_key_that_is_not_the_primary_key_fails_with_the_key_that_there_is():
    outcome, seen, remedy = of(table(primary_key=("id", "kind")), SOURCE, "key")
    assert outcome == "fail"
    assert "the primary key is (id, kind), the source's key is (id)" in seen
    assert "['id', 'kind']" in remedy
    outcome, _, remedy = of(table(primary_key=()), SOURCE, "key")
    assert (outcome, remedy) == ("fail", "ALTER TABLE public.articles ADD PRIMARY KEY (id);")


def test_the_order_of_key_columns_is_the_settings_business():
    facts = changed("sources", key=("kind", "id"), found=replace(TABLE, primary_key=("id", "kind")))
    assert of(facts, SOURCE, "key")[0] == "pass"


def test_a_key_made_by_the_connector_warns_that_it_has_to_be_unique():
    facts = changed("sources", key=("title",), key_given=True)
    assert of(facts, SOURCE, "key")[0] == "warn"


def test_a_default_identity_fails_only_if_a_long_text_may_be_missing():
    outcome, seen, remedy = of(table(replica_identity="default"), SOURCE, "replica identity")
    assert outcome == "fail"
    assert "long body, title" in seen
    assert remedy.startswith("ALTER TABLE public.articles REPLICA IDENTITY FULL;")
    short = table(replica_identity="default", toastable=frozenset())
    assert of(short, SOURCE, "replica identity")[0] == "pass"


def test_a_default_identity_warns_if_only_metadata_may_be_missing():
    facts = table(replica_identity="index", toastable=frozenset({"kind"}))
    outcome, seen, _ = of(facts, SOURCE, "replica identity")
    assert outcome == "warn"
    assert "kind" in seen


def test_reselection_stands_in_for_a_full_identity_but_not_for_none():
    default = changed("sources", reselected=True, found=replace(TABLE, replica_identity="default"))
    assert of(default, SOURCE, "replica identity")[0] == "pass"
    nothing = changed("sources", reselected=True, found=replace(TABLE, replica_identity="nothing"))
    assert of(nothing, SOURCE, "replica identity")[0] == "fail"


def test_a_publication_that_is_missing_or_leaves_something_out_fails():
    assert of(changed("sources", published=None), SOURCE, "publication")[0] == "fail"
    outcome, seen, remedy = of(changed("sources", published=frozenset()), SOURCE, "publication")
    assert (outcome, remedy) == ("fail", "ALTER PUBLICATION hotswap ADD TABLE public.articles;")
    assert "leaves out public.articles" in seen
    some = frozenset({"insert", "update", "delete"})
    outcome, seen, _ = of(changed("sources", published=some), SOURCE, "publication")
    assert (outcome, seen) == ("fail", "hotswap leaves out truncate")


# Database


@pytest.mark.parametrize(
    ("settings", "check", "expected"),
    [
        ({"wal_level": "replica", "max_slot_wal_keep_size": "-1"}, "wal_level", "fail"),
        ({}, "wal_level", "fail"),
        (
            {"wal_level": "logical", "max_slot_wal_keep_size": "4GB"},
            "max_slot_wal_keep_size",
            "warn",
        ),
        ({"wal_level": "logical"}, "max_slot_wal_keep_size", "pass"),
    ],
)
def test_what_the_server_is_set_to(settings, check, expected):
    assert of(changed("database", settings=settings), DATABASE, check)[0] == expected


@pytest.mark.parametrize(
    ("slot", "expected", "word"),
    [
        (None, "fail", "no replication slot"),
        (SlotFacts(True, "pgoutput", 0, lost=True), "fail", "lost"),
        (SlotFacts(True, "decoderbufs", 0, lost=False), "fail", "decoderbufs"),
        (SlotFacts(False, "pgoutput", 0, lost=False), "warn", "read by nobody"),
        (SlotFacts(True, "pgoutput", 2 << 30, lost=False), "warn", "behind"),
    ],
)
def test_the_slot(slot, expected, word):
    outcome, seen, _ = of(changed("database", slot=slot), DATABASE, "slot")
    assert outcome == expected
    assert word in seen


# Connect


def test_a_plugin_that_is_missing_fails_and_names_those_that_there_are():
    outcome, _, remedy = of(changed("connect", plugins=frozenset({"Q"})), CONNECT, "plugin")
    assert outcome == "fail"
    assert "Q" in remedy


@pytest.mark.parametrize(
    "fields",
    [
        {"found": None},
        {"state": "PAUSED"},
        {"tasks": ()},
        {"tasks": ("FAILED",), "problem": "no such host"},
    ],
)
def test_a_connector_that_does_not_run_fails(fields):
    outcome, seen, _ = of(changed("connect", **fields), CONNECT, "running")
    assert outcome == "fail"
    assert fields.get("problem", "") in seen


def test_drift_of_the_connector_fails_with_each_difference():
    drift = Drift({"tasks.max": ("1", "2")}, "put it back")
    assert of(changed("connect", drift=drift), CONNECT, "as configured") == (
        "fail",
        "tasks.max is 2, should be 1",
        "put it back",
    )


@pytest.mark.parametrize(
    ("entry", "check", "expected"),
    [
        ({"skipped.operations": "t"}, "skipped.operations", "fail"),
        ({"skipped.operations": None}, "skipped.operations", "fail"),
        ({"tombstones.on.delete": "false"}, "tombstones.on.delete", "warn"),
        ({"decimal.handling.mode": "double"}, "decimal.handling.mode", "fail"),
        ({"decimal.handling.mode": None}, "decimal.handling.mode", "fail"),
        ({"unavailable.value.placeholder": "gone"}, "unavailable.value.placeholder", "fail"),
    ],
)
def test_an_entry_that_loses_data_fails(entry, check, expected):
    found = {"skipped.operations": "none", "decimal.handling.mode": "string", **entry}
    kept = {name: value for name, value in found.items() if value is not None}
    outcome, _, remedy = of(changed("connect", found=kept), CONNECT, check)
    assert outcome == expected
    assert "hotswap init --force" in remedy


# Topics


def test_a_topic_that_is_missing_or_differs_fails():
    facts = changed("topics", own={"control": None}, sources={"cdc.public.articles": None})
    assert [name for _, name, outcome in only(facts)] == ["control", "cdc.public.articles"]
    drift = Drift({"retention.ms": ("-1", "1000")}, "alter it")
    assert of(changed("topics", own={"control": drift}), TOPICS, "control") == (
        "fail",
        "retention.ms is 1000, should be -1",
        "alter it",
    )


def test_a_source_topic_with_small_records_warns():
    facts = changed("topics", sources={"cdc.public.articles": 100_000})
    assert of(facts, TOPICS, "cdc.public.articles")[0] == "warn"


@pytest.mark.parametrize(
    ("record_bytes", "expected"), [(66_496, "pass"), (66_495, "warn"), (65_295, "fail")]
)
def test_a_record_must_hold_the_longest_text(record_bytes, expected):
    facts = changed("topics", record_bytes=record_bytes)
    assert of(facts, TOPICS, "record size")[0] == expected


@pytest.mark.parametrize(
    ("documents", "hours", "expected"),
    [
        (32 * 3_600, 3.0, "pass"),
        (32 * 3_600, 2.9, "warn"),
        (32 * 3_600, 0.9, "fail"),
        (10, None, "fail"),
    ],
)
def test_tombstones_must_outlive_the_backfill(documents, hours, expected):
    facts = changed("topics", records=documents, delete_retention_hours=hours)
    outcome, _, remedy = of(facts, TOPICS, "delete.retention.ms for ollama")
    assert outcome == expected
    if expected == "fail" and hours is not None:
        assert f"delete.retention.ms={3 * 3_600_000}" in remedy


def test_rows_that_the_connector_has_not_read_yet_count_too():
    facts = changed("sources", found=TableFacts(TABLE.columns, ("id",), "full", frozenset(), 10**9))
    assert of(facts, TOPICS, "delete.retention.ms for ollama")[0] == "fail"


# Milvus and control


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v2.6.22", "pass"),
        ("2.3.5", "pass"),
        ("2.2.16-dev", "warn"),
        ("latest", "warn"),
        ("", "warn"),
    ],
)
def test_the_version_of_milvus(version, expected):
    assert of(changed("milvus", version=version), "milvus", "version")[0] == expected


def test_a_collection_that_is_missing_or_differs_fails():
    check = "collection of ollama"
    assert of(changed("milvus", collections={"ollama": None}), "milvus", check)[0] == "fail"
    drift = Drift({"dimensions": (8, 9)}, "start a new build")
    assert of(changed("milvus", collections={"ollama": drift}), "milvus", check) == (
        "fail",
        "documents_ollama: dimensions is 9, should be 8",
        "start a new build",
    )


@pytest.mark.parametrize(
    ("fields", "check", "expected"),
    [
        ({"migration": None}, "migration", "fail"),
        ({"migration": None, "wanted": None}, "migration", "fail"),
        ({"migration": ("ollama", "cloud")}, "migration", "fail"),
        ({"wanted": None}, "migration", "pass"),
        ({"signed": True}, "signatures", "fail"),
        ({"signed": True, "key": True}, "signatures", "pass"),
    ],
)
def test_the_control_log(fields, check, expected):
    assert of(changed("control", **fields), "control", check)[0] == expected


def test_a_model_that_was_replaced_fails_and_says_what_changed():
    facts = changed("lanes", live=FINGERPRINT.model_copy(update={"digest": "other"}))
    outcome, seen, remedy = of(facts, "lane ollama", "fingerprint")
    assert (outcome, seen) == ("fail", "digest was d, is other")
    assert "hotswap build start ollama" in remedy
    assert of(changed("lanes", pinned=None), "lane ollama", "fingerprint")[0] == "fail"


@pytest.mark.parametrize(
    ("canaries", "expected", "word"),
    [
        (Likeness("a canary", LEAST_COSINE), "pass", "canary 'a canary'"),
        (Likeness("a canary", 0.9987), "fail", "cosine 0.998700, below 0.999"),
        (None, "warn", "pinned none"),
        (AWAY, "fail", "it is away"),
    ],
)
def test_canary_vectors_that_moved_fail_and_the_way_on_is_named(canaries, expected, word):
    outcome, seen, remedy = of(changed("lanes", canaries=canaries), "lane ollama", "canary vectors")
    assert outcome == expected
    assert word in seen
    if isinstance(canaries, Likeness) and expected == "fail":
        assert "hotswap build start ollama" in remedy


def test_canaries_of_another_model_are_not_judged():
    facts = changed("lanes", live=FINGERPRINT.model_copy(update={"dimensions": 9}), canaries=None)
    assert only(facts) == [("lane ollama", "fingerprint", "fail")]
