"""How evidence and truncates are kept."""

from streams.migration.verdicts import Accepted, Rejected, Rejection, Unchanged
from tests.unit.migration.log import begun, walked


def test_evidence_is_kept_with_its_place_and_time_and_changes_no_version():
    log = begun()
    version = log.state.version
    assert log.accept("preflight", verdict="warn").effect == "preflight: warn"
    kept = log.state.evidence["preflight"]
    assert (kept.offset, kept.at) == (len(log.records) - 1, log.now)
    assert log.state.version == version


def test_evidence_that_knows_of_what_came_later_is_no_evidence():
    log = begun()
    for ahead in (0, 1, 10):
        as_of = len(log.records) + ahead
        assert log.verdict("gate", verdict="successful", as_of=as_of) == Rejected(
            Rejection.FORBIDDEN, "knows of records that came after it"
        )
    assert not log.state.evidence


def test_the_newest_of_each_sort_counts():
    log = walked("dualwrite")
    for verdict in ("clean", "different", "inconclusive"):
        log.verify(verdict=verdict)
        log.verify("cloud", verdict="clean")
        assert log.state.evidence["verify:ollama/1"].evidence.verdict == verdict
    assert set(log.state.evidence) == {"preflight", "verify:ollama/1", "verify:cloud/1"}


def test_of_two_that_looked_at_the_same_time_the_one_that_came_later_counts():
    log = walked("dualwrite")
    seen = len(log.records) - 1
    log.verify(as_of=seen)
    log.verify(verdict="different", as_of=seen)
    assert log.state.evidence["verify:ollama/1"].evidence.verdict == "different"


def test_who_looked_earlier_and_came_later_does_not_count():
    """A verify of an hour would else wipe out what another one found in the meantime."""
    log = walked("dualwrite")
    begun_at = len(log.records) - 1
    log.accept("throttle", lane="ollama", documents_per_second=9)
    log.verify(verdict="different")
    before = log.state
    assert log.verify(as_of=begun_at) == Unchanged("the verify that is known looked later")
    assert log.state == before
    assert not log.is_proven("ollama")


def test_a_clean_verify_proves_the_build_it_is_of_and_no_other():
    log = walked("dualwrite")
    log.start("ollama", 2)
    log.verify("ollama", 2)
    builds = log.state.lanes["ollama"].builds
    assert (builds[1].proven, builds[2].proven) == (False, True)


def test_neither_differences_nor_haste_prove_anything():
    log = walked("dualwrite")
    for verdict in ("different", "inconclusive"):
        log.verify(verdict=verdict)
        assert not log.is_proven("ollama")


def test_a_lane_that_is_not_written_is_not_proven():
    log = begun()
    assert isinstance(log.verify(), Accepted)
    assert not log.state.lanes["ollama"].builds[1].proven


def test_a_verify_of_nothing_known_is_rejected():
    log = begun()
    assert log.verify("third") == Rejected(
        Rejection.UNKNOWN_LANE, "there is no lane third; there are: cloud, ollama"
    )
    assert log.verify("ollama", 2) == Rejected(Rejection.FORBIDDEN, "lane ollama has no build 2")


def test_machines_of_a_later_version_may_say_more():
    log = begun()
    log.accept("gate", verdict="successful", criteria={"coverage": 1.0})


def test_the_newest_truncate_of_each_source_counts():
    log = begun()
    for position in ("5", "7"):
        assert log.accept("truncate", source="s", position=position).effect == "s was truncated"
    assert log.verdict("truncate", source="s", position="6") == Unchanged(
        "a later truncate of s is known"
    )
    log.accept("truncate", source="t", position="1")
    assert log.state.truncated == {"s": "7", "t": "1"}
