"""`hotswap flag`: the value for everybody and for one asker, and setting it."""

import pytest

from schemas import Stage
from streams.cli.exits import Exit
from streams.core.routing import route
from streams.migration.reads import routing_of
from streams.services.control import ControlLog
from tests.unit.cli.rows import now
from tests.unit.cli.walking import walk


def state_of(systems):
    return now(ControlLog(systems.log, "control").refresh())


def test_the_flag_is_shown_with_who_reads_where(hotswap, initialised):
    assert initialised
    shown = hotswap("flag", "get").out
    assert "useLocalEmbeddings" in shown
    assert "cloud 100 %" in shown
    assert hotswap("flag", "get", "--json").json == {
        "flag": "useLocalEmbeddings",
        "value": False,
        "variant": "cloud",
        "reason": "DEFAULT",
        "flag_version": 2,
        "stage": "off",
        "state": {
            "source": "cloud",
            "target": "ollama",
            "percent": 0.0,
            "cohorts": [],
            "mirrored": False,
        },
    }


def test_the_flag_is_evaluated_for_an_asker_as_everywhere(hotswap, initialised):
    walk(hotswap, initialised, "ramp 50")
    assert hotswap("ramp", "--cohort", "staff", "--force", "-r", "r").status == Exit.OK
    routing = routing_of(state_of(initialised))
    assert routing is not None
    values = set()
    for user in map(str, range(8)):
        picked = route(routing, user)
        data = hotswap("flag", "get", "-t", user, "--json").json
        assert (data["value"], data["variant"]) == (picked.uses_target, picked.lane)
        assert data["reason"] == "SPLIT"
        values.add(data["value"])
    assert values == {True, False}
    of_cohort = hotswap("flag", "get", "--cohort", "staff").out
    assert "cohort staff" in of_cohort
    assert "TARGETING_MATCH" in of_cohort


@pytest.mark.parametrize(
    ("value", "percent"), [("true", 100), ("25", 25), ("12.5%", 12.5), ("0", 0)]
)
def test_setting_the_flag_sets_the_ramp(hotswap, initialised, value, percent):
    walk(hotswap, initialised, "ramp 5")
    ended = hotswap("flag", "set", value, "--force", "--reason", "r")
    assert ended.status == Exit.OK
    assert state_of(initialised).ramp.percent == percent
    assert state_of(initialised).stage is Stage.LIVE


def test_setting_the_flag_to_false_is_a_rollback_that_needs_no_reason(hotswap, initialised):
    walk(hotswap, initialised, "ramp 5")
    assert hotswap("flag", "set", "false").status == Exit.OK
    assert state_of(initialised).stage is Stage.SHADOW
    assert hotswap("flag", "get", "-t", "anybody", "--json").json["value"] is False


def test_its_history_leaves_out_what_does_not_touch_reads(hotswap, initialised):
    walk(hotswap, initialised, "shadow")
    hotswap("throttle", "ollama", "1")
    hotswap("stage", "complete")
    lines = hotswap("flag", "history").out
    assert "stage shadow" in lines
    assert "stage complete" in lines
    assert "migration from cloud to ollama" in lines
    assert "throttle" not in lines
    assert "verify" not in lines
    assert "4 records" in lines
    assert "1 record\n" in hotswap("flag", "history", "--rejected").out


def test_without_a_migration_it_says_what_to_run(hotswap, systems, tmp_path):
    assert systems
    file = tmp_path / "hotswap.toml"
    before, ollama = file.read_text().split("[lanes.ollama]")
    file.write_text(before + ollama[ollama.index("[connect") :])
    assert hotswap("init").status == Exit.OK
    ended = hotswap("flag", "get")
    assert ended.status == Exit.USAGE
    assert "no migration is defined" in ended.err
    assert hotswap("status").out.startswith("no migration is defined")
    assert hotswap("status", "--json").json["migration"] is None
    assert "rejected (no-migration)" in hotswap("stage", "dualwrite").out
