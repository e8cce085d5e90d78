"""What each command prints, in words and as JSON, and what it leaves behind."""

from pathlib import Path

import pytest

from schemas import WorkerReport, WorkerState
from streams.cli import session
from streams.cli.exits import Exit
from streams.cli.up import _command, _screen
from streams.config.reference import example, reference
from streams.ports import NewRecord
from streams.services.control import ControlLog
from tests.unit.cli.rows import now, rows_of


def test_config_check_names_the_file_and_counts_what_is_in_it(hotswap):
    assert hotswap("config", "check").out == (
        "hotswap.toml: no mistakes; 1 sources, 2 lanes, 1 secrets found\n"
    )
    assert hotswap("config", "check", "--json").json["lanes"] == ["cloud", "ollama"]


def test_config_check_finds_a_secret_that_is_missing(hotswap, monkeypatch):
    monkeypatch.delenv("CLOUD_KEY")
    ended = hotswap("config", "check", "--json")
    assert ended.status == Exit.USAGE
    assert ended.out == ""
    assert "lanes.cloud.api_key: environment variable CLOUD_KEY is not set" in ended.err


def test_config_check_finds_a_connector_that_would_lose_data(hotswap, tmp_path):
    with (tmp_path / "hotswap.toml").open("a") as file:
        file.write('"skipped.operations" = "t"\n')
    ended = hotswap("config", "check")
    assert ended.status == Exit.USAGE
    assert 'connect.config."skipped.operations"' in ended.err


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_config_show_names_secrets_and_never_their_values(hotswap, monkeypatch, arguments):
    shown = hotswap("config", "show", *arguments)
    assert "CLOUD_KEY" in shown.out
    assert "hunter2" not in shown.out + shown.err
    monkeypatch.delenv("CLOUD_KEY")
    assert hotswap("config", "show", "--json").json["lanes"]["cloud"]["api_key"] == {
        "env": "CLOUD_KEY",
        "resolves": False,
    }
    assert "env CLOUD_KEY (NOT FOUND)" in hotswap("config", "show").out


def test_config_prints_the_reference_and_the_example_to_start_from(hotswap):
    assert hotswap("config", "reference").out == reference()
    assert hotswap("config", "example").out == example()


def test_init_lists_each_thing_and_what_was_done(hotswap, systems):
    dry = hotswap("init", "--dry-run", "--json").json
    assert {step["action"] for step in dry} == {"would create"}
    assert now(systems.store.collections()) == []
    shown = hotswap("init").out
    assert "topic documents" in shown
    assert "created" in shown
    again = hotswap("init", "--json").json
    assert {step["action"] for step in again} == {"kept"}


def test_init_notes_who_did_it(initialised, monkeypatch):
    state = now(ControlLog(initialised.log, "control").refresh())
    assert state.lanes["cloud"].pinned.by == session.operator()
    monkeypatch.setattr("getpass.getuser", lambda: (_ for _ in ()).throw(KeyError("uid 1000")))
    assert session.operator().startswith("hotswap@")


def test_init_reports_drift_with_status_1(hotswap, initialised, monkeypatch):
    assert initialised
    monkeypatch.setenv("HOTSWAP__KAFKA__TOPICS__DOCUMENTS_PARTITIONS", "9")
    ended = hotswap("init", "--json")
    assert ended.status == Exit.FAILED
    assert ended.out == ""
    assert "partitions: expected 9, found 2" in ended.err


def test_search_prints_hits_nearest_first(hotswap, initialised):
    now(put_rows(initialised, ["red apples", "green pears"]))
    found = hotswap("search", "green pears", "--lane", "ollama", "-k", "2", "--json").json
    assert [hit["id"] for hit in found["hits"]] == ["articles/1", "articles/0"]
    assert found["hits"][0]["score"] == pytest.approx(1.0, abs=1e-5)
    assert found["hits"][0]["key"] == {"id": 1}
    assert "articles/1" in hotswap("search", "green pears", "--lane", "ollama").out


def test_search_before_init_says_what_to_run(hotswap, systems):
    assert systems
    ended = hotswap("search", "x", "--lane", "ollama")
    assert ended.status == Exit.USAGE
    assert "hotswap init" in ended.err


def test_search_refuses_a_model_that_did_not_fill_the_lane(hotswap, initialised):
    initialised.embedders["ollama"].digest = "another"
    ended = hotswap("search", "x", "--lane", "ollama")
    assert ended.status == Exit.FAILED
    assert "digest: expected None, found 'another'" in ended.err


async def put_rows(systems, texts: list[str]) -> None:
    """Rows as the `ollama` lane would write them, from the documents they stand for."""
    build = (await ControlLog(systems.log, "control").refresh()).lanes["ollama"].pinned
    await systems.store.upsert(
        build.collection, await rows_of(systems.log, systems.embedders["ollama"], texts)
    )


def test_verify_of_a_lane_that_has_everything_is_clean(hotswap, initialised):
    now(put_rows(initialised, ["a", "b", "c"]))
    initialised.log.commit(
        "hotswap-embed-ollama", "documents", now(initialised.log.ends("documents"))
    )
    (report,) = hotswap("verify", "ollama", "--json").json
    assert report["verdict"] == "clean"
    assert report["rows"] == 3
    assert "ollama: clean" in hotswap("verify", "ollama").out


def test_verify_of_a_lane_that_lacks_a_row_has_status_1_and_names_it(hotswap, initialised):
    now(put_rows(initialised, ["a", "b"]))
    state = now(ControlLog(initialised.log, "control").refresh())
    collection = state.lanes["ollama"].pinned.collection
    now(initialised.store.delete(collection, ["articles/1"]))
    initialised.log.commit(
        "hotswap-embed-ollama", "documents", now(initialised.log.ends("documents"))
    )
    ended = hotswap("verify", "ollama")
    assert ended.status == Exit.FAILED
    assert "different" in ended.out
    assert "articles/1" in ended.out


def test_verify_of_a_lane_that_is_behind_is_not_clean(hotswap, initialised):
    now(put_rows(initialised, ["a"]))
    ended = hotswap("verify", "ollama", "--wait", "0", "--json")
    assert ended.status == Exit.INCONCLUSIVE
    assert [report["verdict"] for report in ended.json] == ["inconclusive"]


def test_verify_of_no_lane_verifies_all(hotswap, initialised):
    assert initialised
    reports = hotswap("verify", "--json").json
    assert [report["lane"] for report in reports] == ["cloud", "ollama"]
    assert hotswap("verify", "nonsense").status == Exit.USAGE


def test_status_shows_lag_rows_and_what_holds_a_worker_up(hotswap, initialised, monkeypatch):
    now(put_rows(initialised, ["a", "b"]))
    monkeypatch.setattr("time.time_ns", lambda: 5_000 * 1_000_000)
    report = WorkerReport(
        worker="embed-ollama-1",
        role="embed:ollama",
        at=4_500,
        state=WorkerState.STALLED,
        reason="Ollama is [away]",
        partitions=(0, 1),
    )
    now(initialised.log.append([NewRecord("observations", b"ollama", report.encode())]))
    shown = hotswap("status")
    assert "stalled: Ollama is [away]" in shown.out
    roles = {role["role"]: role for role in hotswap("status", "--json").json["roles"]}
    assert list(roles) == ["normalise", "embed:cloud", "embed:ollama"]
    assert sum(roles["embed:ollama"]["lag"].values()) == 2
    assert roles["embed:ollama"]["rows"] == 2
    assert roles["embed:cloud"]["workers"] == []


def test_up_runs_each_role_as_the_worker_command_with_the_same_options():
    options = session.Options(config=Path("other.toml"), verbose=True)
    command = _command("embed:ollama", options)
    assert command[1:] == [
        *("-m", "streams.cli", "--config", "other.toml", "--verbose"),
        *("worker", "embed", "ollama", "--build", "1"),
    ]
    assert _command("embed:ollama:2", session.Options())[3:] == [
        *("worker", "embed", "ollama", "--build", "2")
    ]
    assert _command("normalise", session.Options())[1:] == [
        *("-m", "streams.cli", "worker", "normalise")
    ]


def test_up_prints_the_name_of_a_role_as_it_is(capsys):
    show = _screen(["serve"])
    show("embed:cloud:2", "said [so]")
    assert capsys.readouterr().out == "embed:cloud:2 said [so]\n"


def test_up_refuses_a_role_that_there_is_none_of(hotswap):
    ended = hotswap("up", "embed:nonsense")
    assert ended.status == Exit.USAGE
    assert "choose from: normalise, embed:cloud, embed:ollama" in ended.err


@pytest.mark.parametrize("status", [0, 1])
def test_a_worker_ends_with_the_status_of_its_role(hotswap, monkeypatch, status):
    asked: list[object] = []

    async def work(_settings: object, *lane: str) -> int:
        asked.append(lane)
        return int(status)

    monkeypatch.setattr("streams.agents.roles.run_embed", work)
    monkeypatch.setattr("streams.agents.roles.run_normalise", work)
    assert hotswap("worker", "embed", "ollama").status == status
    assert hotswap("worker", "normalise").status == status
    assert hotswap("worker", "embed", "ollama", "--build", "2").status == status
    assert asked == [("ollama", None), (), ("ollama", 2)]
