"""What a preflight says of money and time rests on what it measured, and else it says nothing."""

from dataclasses import replace

import pytest

from streams.core.preflight import estimates
from streams.core.preflight.facts import SampleFacts, TableFacts, Unreachable
from streams.core.preflight.probe_facts import Latency
from tests.unit.preflight.world import TABLE, changed, healthy, probes

AWAY = Unreachable("it is away")


def test_hours_follow_from_the_measured_rate_and_tokens_from_the_sample():
    (one,) = estimates(changed("topics", records=64_000))
    assert (one.lane, one.documents) == ("ollama", 64_000)
    assert one.documents_per_second == pytest.approx(32.0)
    assert one.hours == pytest.approx(64_000 / 32 / 3_600)
    assert one.tokens == 64_000 * 250
    assert one.tokens_by.startswith("estimated: UTF-8 bytes / 3")
    assert one.money is None


def test_a_price_makes_it_money():
    (one,) = estimates(replace(changed("topics", records=64_000), prices={"ollama": 0.5}))
    assert one.money == pytest.approx(64_000 * 250 * 0.5 / 1e6)


def test_rows_that_the_connector_has_not_read_yet_count_too():
    found = TableFacts(TABLE.columns, ("id",), "full", frozenset(), 10**6)
    (one,) = estimates(changed("sources", found=found))
    assert one.documents == 10**6


def test_rows_are_estimated_from_while_the_topics_are_away():
    facts = changed("sources", found=TableFacts(TABLE.columns, ("id",), "full", frozenset(), 70))
    (one,) = estimates(replace(facts, topics=AWAY))
    assert one.documents == 70


def test_without_a_document_nothing_is_said():
    assert list(estimates(replace(healthy(), sample=SampleFacts(0, 0)))) == []


@pytest.mark.parametrize(
    "measured",
    [AWAY, replace(probes(), latency=AWAY), replace(probes(), latency=Latency(0, 0, 0, 1, 1))],
)
def test_of_a_lane_that_could_not_be_measured_nothing_is_said(measured):
    assert list(estimates(replace(healthy(), probes={"ollama": measured}))) == []
