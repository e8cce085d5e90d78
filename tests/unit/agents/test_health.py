from schemas import BuildDropped, BuildStarted, WorkerReport, WorkerState
from streams.agents.health import main, problem, problem_of_any
from streams.migration.state import State
from streams.services.control import ControlLog
from tests.unit.services.control_world import FINGERPRINT, control_log, migration

NOW = 1_000_000


def report(
    state: WorkerState, *, worker: str = "a", role: str = "embed:cloud", ago_ms: int = 1_000
) -> WorkerReport:
    return WorkerReport(worker=worker, role=role, at=NOW - ago_ms, state=state)


def test_a_role_without_reports_is_not_healthy():
    other = report(WorkerState.RUNNING, role="normalise")
    assert problem("embed:cloud", [other], NOW) == "no worker reports as embed:cloud"


def test_a_worker_that_reports_is_healthy_also_while_it_waits_for_others():
    for state in (WorkerState.RUNNING, WorkerState.STALLED, WorkerState.PAUSED):
        assert problem("embed:cloud", [report(state)], NOW) is None


def test_a_worker_that_has_not_begun_or_has_ended_is_not_healthy():
    for state in (WorkerState.STARTING, WorkerState.STOPPED):
        history = [report(WorkerState.RUNNING, ago_ms=2_000), report(state)]
        assert problem("embed:cloud", history, NOW) == f"a is {state}"


def test_a_silent_worker_is_not_healthy():
    silent = report(WorkerState.RUNNING, ago_ms=40_000)
    assert problem("embed:cloud", [silent], NOW) == "a has been silent for 40 s"


def test_the_one_that_runs_counts_not_its_predecessors():
    history = [
        report(WorkerState.RUNNING, worker="killed", ago_ms=60_000),
        report(WorkerState.RUNNING, worker="now"),
        report(WorkerState.STOPPED, worker="before"),
    ]
    assert problem("embed:cloud", history, NOW) is None


async def state_with_a_second_build(*, dropped: bool = False) -> State:
    second = BuildStarted(
        id="start",
        by="ann",
        lane="cloud",
        build=2,
        collection="c2",
        fingerprint=FINGERPRINT,
        documents_partitions=2,
    )
    drop = [BuildDropped(id="drop", by="ann", lane="cloud", build=2)] if dropped else []
    return await ControlLog(await control_log([*migration(), second, *drop]), "control").refresh()


async def test_a_lane_is_healthy_while_each_of_its_builds_has_a_worker():
    state = await state_with_a_second_build()
    reports = [report(WorkerState.RUNNING)]
    lacks = "no worker reports as embed:cloud:2"
    assert problem_of_any("embed:cloud", state, reports, NOW) == lacks
    reports.append(report(WorkerState.PAUSED, role="embed:cloud:2", worker="b"))
    assert problem_of_any("embed:cloud", state, reports, NOW) is None
    assert problem_of_any("embed:cloud", state, reports[1:], NOW) is not None


async def test_a_build_that_was_dropped_is_not_missed():
    state = await state_with_a_second_build(dropped=True)
    assert problem_of_any("embed:cloud", state, [report(WorkerState.RUNNING)], NOW) is None


async def test_other_roles_and_a_lane_without_builds_are_told_apart():
    state = await state_with_a_second_build()
    reports = [report(WorkerState.RUNNING, role="normalise")]
    assert problem_of_any("normalise", state, reports, NOW) is None
    assert problem_of_any("embed:other", state, reports, NOW) == "lane other has no build"


def test_a_configuration_that_can_not_be_read_is_an_answer_not_a_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv("HOTSWAP_CONFIG", str(tmp_path / "absent.toml"))
    assert "absent.toml" in (main("normalise") or "")
