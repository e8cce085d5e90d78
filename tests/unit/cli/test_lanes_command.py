"""`hotswap pause`, `resume` and `throttle`."""

from streams.cli.exits import Exit
from streams.migration.writes import Rests, Works, work_of
from streams.services.control import ControlLog
from tests.unit.cli.rows import now
from tests.unit.cli.walking import walk


def work(systems, lane):
    return work_of(now(ControlLog(systems.log, "control").refresh()), lane)


def test_a_paused_lane_rests_with_the_reason_until_it_is_resumed(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    paused = hotswap("pause", "ollama", "--reason", "new disk")
    assert paused.status == Exit.OK
    assert "accepted: lane ollama is paused; version" in paused.out
    rests = work(initialised, "ollama")
    assert isinstance(rests, Rests)
    assert rests.why.endswith(": new disk")
    assert hotswap("pause", "ollama", "--reason", "again").out.startswith("unchanged: lane ollama")
    assert hotswap("resume", "ollama").status == Exit.OK
    assert work(initialised, "ollama") == Works()


def test_a_lane_that_serves_reads_is_not_paused_without_force(hotswap, initialised):
    assert initialised
    held = hotswap("pause", "cloud", "--reason", "r")
    assert held.status == Exit.HELD
    assert "held by unread" in held.out
    assert hotswap("pause", "cloud", "--reason", "r", "--force").status == Exit.OK


def test_a_throttle_stands_until_it_is_lifted(hotswap, initialised):
    throttled = hotswap("throttle", "cloud", "2.5", "--json").json
    assert throttled["changes"] == [
        {"what": "throttle of cloud", "before": "none", "after": "2.5 documents/s"}
    ]
    assert work(initialised, "cloud") == Works(2.5)
    assert hotswap("throttle", "cloud", "off").status == Exit.OK
    assert work(initialised, "cloud") == Works()


def test_a_lane_that_there_is_none_of_is_rejected_with_those_that_there_are(hotswap, initialised):
    assert initialised
    for order in (("pause", "olama", "-r", "r"), ("resume", "olama"), ("throttle", "olama", "1")):
        ended = hotswap(*order)
        assert ended.status == Exit.REJECTED
        assert "there is no lane olama; there are: cloud, ollama" in ended.out
