"""`hotswap stage`, `ramp`, `rollback`, `reopen`: what they say, and with which status."""

from typing import get_args

import pytest
from pydantic import TypeAdapter

from schemas import ControlRecord, RampSet, Rollback, Stage
from streams.cli import session
from streams.cli.exits import Exit
from streams.cli.history import Kind
from streams.cli.orders import BackTo, StageName
from streams.errors import TransientError
from streams.services.control import ControlLog
from tests.unit.cli.rows import now
from tests.unit.cli.walking import append, appended_just_before, control_end, walk


def state_of(systems):
    return now(ControlLog(systems.log, "control").refresh())


def test_the_command_line_names_the_kinds_and_stages_that_there_are():
    schema = TypeAdapter(ControlRecord).json_schema()
    assert {str(kind) for kind in Kind} == set(schema["discriminator"]["mapping"])
    assert get_args(StageName) == tuple(Stage)
    assert set(get_args(BackTo)) == set(get_args(Rollback.model_fields["to"].annotation))


def test_a_migration_is_walked_to_its_end_and_back_by_hand(hotswap, initialised):
    walk(hotswap, initialised, "ramp 5")
    for order in ("ramp 50", "ramp 100", "stage rampdown", "stage complete"):
        ended = hotswap(*order.split(), "--force", "--reason", "a test")
        assert ended.status == Exit.OK, ended.out
    assert state_of(initialised).stage is Stage.COMPLETE
    assert hotswap("rollback").status == Exit.HELD
    assert hotswap("reopen").status == Exit.OK
    assert hotswap("verify", "cloud").status == Exit.OK
    back = hotswap("rollback", "--to", "dualwrite")
    assert back.status == Exit.OK
    assert "cloud 100 %" in back.out
    assert state_of(initialised).stage is Stage.DUALWRITE


def test_an_accepted_order_prints_its_version_and_what_is_different_now(hotswap, initialised):
    walk(hotswap, initialised, "live")
    ended = hotswap("ramp", "10%", "--cohort", "staff", "--cohort", "qa", "--force", "-r", "why")
    assert ended.status == Exit.OK
    assert "accepted by force, over healthy: ramp 10 % and cohorts qa, staff; version" in ended.out
    assert "cloud 90 %, ollama 10 % and cohorts qa, staff" in ended.out
    again = hotswap("ramp", "10")
    assert again.status == Exit.OK
    assert again.out.startswith("unchanged: the ramp is 10 % and cohorts qa, staff")
    hotswap("ramp", "--no-cohorts")
    assert state_of(initialised).ramp.cohorts == frozenset()
    assert state_of(initialised).ramp.percent == 10


def test_a_held_order_says_by_what_and_how_to_go_on(hotswap, initialised):
    ended = hotswap("stage", "dualwrite")
    assert ended.status == Exit.HELD
    assert ended.out.splitlines() == [
        "held by preflight: there is no preflight",
        "  to do: run `hotswap preflight`",
        "  or override it with --force --reason …, which the history will show",
    ]
    assert state_of(initialised).stage is Stage.OFF


def test_a_hold_that_force_can_not_override_says_so(hotswap, initialised):
    assert initialised
    hotswap("stage", "dualwrite", "--force", "--reason", "r")
    ended = hotswap("stage", "shadow", "--force", "--reason", "r")
    assert ended.status == Exit.HELD
    assert "held by proven: " in ended.out
    assert "also held by verified" in ended.out
    assert "to do: run `hotswap verify ollama`" in ended.out
    assert "--force does not override this" in ended.out


def test_a_rejected_order_says_why(hotswap, initialised):
    assert initialised
    ended = hotswap("stage", "live")
    assert ended.status == Exit.REJECTED
    assert "rejected (forbidden): one stage at a time: dualwrite is next" in ended.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("stage", "dualwrite", "--force"),
        ("stage", "dualwrite", "--force", "--reason", " "),
        ("ramp", "5", "--force"),
        ("flag", "set", "true", "--force"),
        ("stage", "nonsense"),
        ("ramp",),
        ("ramp", "101"),
        ("ramp", "nan"),
        ("ramp", "1e2"),
        ("ramp", "five"),
        ("ramp", "--cohort", "a", "--no-cohorts"),
        ("ramp", "5", "--cohort", ""),
        ("rollback", "--to", "live"),
        ("rollback", "--reason", "x" * 4_001),
        ("stage", "off", "--expect", "-2"),
        ("stage", "off", "--expect", str(2**70)),
        ("stage", "off", "--expires-in", "0"),
        ("stage", "off", "--expires-in", str(2**70)),
        ("pause", "ollama"),
        ("pause", "ollama", "--reason", ""),
        ("pause", "", "--reason", "r"),
        ("throttle", "ollama", "0"),
        ("throttle", "ollama", "inf"),
        ("throttle", "ollama", "nan"),
        ("throttle", "ollama", "fast"),
        ("flag", "set", "on"),
        ("flag", "set", "101"),
        ("history", "--kind", "nonsense"),
        ("history", "--limit", "-1"),
    ],
)
def test_what_is_no_order_is_wrong_usage_and_nothing_is_sent(hotswap, initialised, arguments):
    end = control_end(initialised)
    ended = hotswap(*arguments)
    assert ended.status == Exit.USAGE
    assert ended.out == ""
    assert control_end(initialised) == end


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("stage", "dualwrite"), Exit.HELD, "held by preflight"),
        (("stage", "dualwrite", "--force", "-r", "r"), Exit.OK, "accepted by force"),
        (("stage", "complete"), Exit.REJECTED, "rejected (forbidden)"),
        (("rollback",), Exit.OK, "unchanged"),
        (("ramp", "5"), Exit.REJECTED, "rejected"),
        (("flag", "set", "true"), Exit.REJECTED, "rejected"),
        (("pause", "ollama", "-r", "r"), Exit.OK, "accepted"),
        (("resume", "ollama"), Exit.OK, "unchanged"),
        (("throttle", "ollama", "5"), Exit.OK, "accepted"),
        (("reopen",), Exit.OK, "unchanged"),
    ],
)
def test_a_dry_run_says_what_would_come_of_it_and_sends_nothing(
    hotswap, initialised, arguments, status, said
):
    end = control_end(initialised)
    ended = hotswap(*arguments, "--dry-run")
    assert ended.status == status
    assert ended.out.startswith(f"dry run, nothing was sent: {said}")
    data = hotswap(*arguments, "--dry-run", "--json").json
    assert (data["dry_run"], data["offset"]) == (True, None)
    assert control_end(initialised) == end
    done = hotswap(*arguments)
    assert done.status == status
    assert done.out == ended.out.removeprefix("dry run, nothing was sent: ")


def test_an_order_as_json_has_the_verdict_the_version_and_the_changes(hotswap, initialised):
    held = hotswap("stage", "dualwrite", "--json")
    assert held.status == Exit.HELD
    assert held.json["verdict"] == "held"
    assert held.json["guards"] == ["preflight"]
    assert held.json["forcible"] is True
    assert held.json["changes"] == []
    done = hotswap("stage", "dualwrite", "--force", "-r", "why", "--json").json
    assert done["verdict"] == "accepted"
    assert (done["offset"], done["version"]) == (4, 4)
    assert (done["by"], done["reason"]) == (session.operator(), "why")
    assert done["overridden"] == ["preflight"]
    assert {"what": "stage", "before": "off", "after": "dualwrite"} in done["changes"]
    assert done["overtaken_by"] is None
    assert control_end(initialised) == 5


def test_of_two_operators_at_once_the_slower_is_told_who_was_faster(
    hotswap, initialised, monkeypatch
):
    walk(hotswap, initialised, "ramp 5")
    theirs = RampSet(id="theirs", by="bob@pager", reason="looks [bad]", percent=1)
    appended_just_before(initialised, monkeypatch, theirs)
    ended = hotswap("ramp", "50", "--force", "--reason", "looks good")
    assert ended.status == Exit.REJECTED
    assert "rejected (stale-version): meant for version " in ended.out
    assert "bob@pager was faster: ramp 1 % (looks [bad]), at 20" in ended.out
    assert state_of(initialised).ramp.percent == 1
    appended_just_before(
        initialised, monkeypatch, theirs.model_copy(update={"id": "again", "percent": 0.5})
    )
    as_json = hotswap("ramp", "50", "--force", "--reason", "looks good", "--json")
    assert as_json.json["rejection"] == "stale-version"
    assert as_json.json["overtaken_by"]["id"] == "again"


@pytest.mark.parametrize("back", [("rollback",), ("flag", "set", "false")])
def test_a_way_back_works_whoever_was_faster(hotswap, initialised, monkeypatch, back):
    walk(hotswap, initialised, "ramp 5")
    theirs = RampSet(id="t", by="bob", reason="r", force=True, percent=50)
    appended_just_before(initialised, monkeypatch, theirs)
    ended = hotswap(*back)
    assert ended.status == Exit.OK
    assert "cloud 50 %, ollama 50 %" in ended.out
    assert state_of(initialised).stage is Stage.SHADOW
    assert hotswap("history", "--json", "-n", "1").json["reason"] == "by hand"


def test_the_expected_version_can_be_given_by_hand(hotswap, initialised):
    assert hotswap("stage", "off", "--expect", "1").status == Exit.REJECTED
    assert hotswap("rollback", "--expect", "1").status == Exit.REJECTED
    version = state_of(initialised).version
    assert hotswap("stage", "off", "--expect", str(version)).status == Exit.OK


def test_an_order_that_kafka_gets_too_late_is_rejected(hotswap, initialised, monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)
    ended = hotswap("rollback", "--expires-in", "5")
    assert ended.status == Exit.REJECTED
    assert "rejected (expired)" in ended.out
    assert state_of(initialised).stage is Stage.OFF


def test_if_kafka_does_not_answer_the_status_is_that_of_unreachable(
    hotswap, initialised, monkeypatch
):
    async def away(_records):
        raise TransientError("Kafka is away")

    monkeypatch.setattr(initialised.log, "append", away)
    ended = hotswap("rollback", "--json")
    assert ended.status == Exit.UNREACHABLE
    assert ended.out == ""
    assert "is not known: look at" in ended.err


def test_before_init_an_order_says_what_to_run(hotswap, systems):
    assert systems
    ended = hotswap("rollback")
    assert ended.status == Exit.USAGE
    assert "hotswap init" in ended.err


def test_what_others_wrote_is_shown_and_never_obeyed(hotswap, initialised, monkeypatch):
    evil = "\x1b[2J[red]up[/red]\naccepted: stage complete\u202e"
    walk(hotswap, initialised, "ramp 5")
    theirs = RampSet(id="t", by="\x1b]0;x\x07", reason=evil, percent=1, cohorts=["\x1b[1m\n[b]"])
    appended_just_before(initialised, monkeypatch, theirs.model_copy(update={"force": True}))
    told = hotswap("ramp", "50", "--force", "-r", evil)
    assert told.status == Exit.REJECTED
    paused = hotswap("pause", "ollama", "--force", "-r", evil)
    assert paused.status == Exit.OK
    others = [hotswap("history"), hotswap("status"), hotswap("flag", "get")]
    shown = "".join(ended.out for ended in (told, paused, *others))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert "[red]up[/red]" in shown
    assert not any(line.startswith("accepted: stage complete") for line in shown.splitlines())


def test_old_rejections_are_not_warned_of_by_every_command(hotswap, initialised, caplog):
    append(initialised, b"{")
    hotswap("stage", "complete")
    assert hotswap("status").err == ""
    assert hotswap("rollback").err == ""
    assert caplog.messages == []


def test_a_missing_key_on_a_signed_log_is_warned_of(hotswap, systems, monkeypatch, tmp_path):
    plain = (tmp_path / "hotswap.toml").read_text()
    signed = '[control]\nkey = { env = "CONTROL_KEY" }\n' + plain
    monkeypatch.setenv("CONTROL_KEY", "a key of more than sixteen bytes")
    (tmp_path / "hotswap.toml").write_text(signed)
    assert hotswap("init").status == Exit.OK
    with_key = hotswap("stage", "dualwrite", "--force", "-r", "r")
    assert (with_key.status, with_key.err) == (Exit.OK, "")
    (tmp_path / "hotswap.toml").write_text(plain)
    without = hotswap("rollback", "--to", "off", "--json")
    assert "control log is signed, but no control.key" in without.err
    assert without.json["verdict"] == "accepted"
    (tmp_path / "hotswap.toml").write_text(signed)
    (rejected,) = hotswap("history", "--rejected", "--json").out.splitlines()
    assert '"rejection":"signature"' in rejected
    assert systems
