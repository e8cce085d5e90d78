"""The arithmetic of a plan, and the laws it keeps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.estimate import (
    backfill_hours,
    cost,
    evenly,
    fitting_call_inputs,
    milvus_room,
    retention_covers,
    suggested_throttle,
    total_tokens,
)

counts = st.integers(0, 10**9)
rates = st.floats(0.01, 1e6)
seconds = st.floats(1e-3, 1e3)


def test_money_is_tokens_by_the_million():
    assert cost(2_500_000, 0.02) == pytest.approx(0.05)
    assert cost(0, 0.13) == 0


def test_a_sample_stands_for_all_documents_in_proportion():
    assert total_tokens(6_400, 64, 1_000_000) == 100_000_000
    assert total_tokens(10, 3, 10) == 34
    assert total_tokens(0, 0, 10) == 0


def test_an_hour_of_backfill():
    assert backfill_hours(36_000, 10) == pytest.approx(1.0)
    assert backfill_hours(0, 0) == 0
    assert math.isinf(backfill_hours(1, 0))


def test_without_an_index_room_is_that_of_vectors_and_other_fields():
    room = milvus_room(1_000, 384, 200.5, None)
    assert (room.vector_bytes, room.row_bytes, room.link_bytes) == (1_536_000, 200_500, 0)
    assert room.memory_bytes == 1_736_500
    assert room.disk_bytes == 2 * 1_736_500


def test_a_graph_adds_its_links_to_memory_and_its_file_to_the_disk():
    room = milvus_room(1_000, 384, 200.5, 18)
    assert room.link_bytes == 1_000 * 2 * 18 * 4
    assert room.memory_bytes == 1_736_500 + 144_000
    assert room.disk_bytes == 2 * (1_736_500 + 1_536_000 + 144_000)


def test_memory_is_that_of_milvus_own_sizing_tool():
    # https://milvus.io/tools/sizing: HNSW with M 30, a million vectors of 768 dimensions.
    room = milvus_room(1_000_000, 768, 0, 30)
    assert room.memory_bytes == (1 + 2 * 30 / 768) * 1_000_000 * 768 * 4


@given(rows=counts, dimensions=st.integers(1, 4_096), m=st.none() | st.integers(2, 64))
def test_room_grows_with_rows_and_the_disk_holds_what_is_loaded_twice(rows, dimensions, m):
    room, more = (milvus_room(count, dimensions, 100, m) for count in (rows, rows + 1))
    assert more.memory_bytes > room.memory_bytes
    assert room.disk_bytes >= 2 * room.memory_bytes


@given(sample=st.integers(1, 10**6), texts=st.integers(1, 10**4), documents=counts)
def test_tokens_of_all_are_never_below_the_samples_share(sample, texts, documents):
    total = total_tokens(sample, texts, documents)
    assert total * texts >= sample * documents
    assert (total - 1) * texts < sample * documents


@given(documents=counts, more=counts, rate=rates)
def test_more_documents_never_take_less_time(documents, more, rate):
    assert backfill_hours(documents + more, rate) >= backfill_hours(documents, rate)


@given(documents=counts, rate=rates, retention=st.floats(0, 1e5))
def test_a_retention_that_is_asked_for_is_roomy_and_a_roomy_one_is_enough(
    documents, rate, retention
):
    coverage = retention_covers(documents, rate, retention)
    assert coverage.enough or not coverage.roomy
    assert retention_covers(documents, rate, coverage.wanted_hours).roomy


def test_a_lane_without_a_rate_is_never_covered():
    coverage = retention_covers(10, 0, 1e9)
    assert not coverage.enough
    assert coverage.wanted_hours == 1


@given(inputs=st.integers(1, 2_048), idle=seconds, waiting=seconds, deadline=seconds)
def test_a_query_behind_a_call_of_the_fitting_size_keeps_its_deadline(
    inputs, idle, waiting, deadline
):
    fitting = fitting_call_inputs(
        call_inputs=inputs,
        idle_seconds=idle,
        busy_seconds=idle + waiting,
        deadline_seconds=deadline,
    )
    assert 0 <= fitting <= inputs
    if fitting > 1:
        assert idle + waiting * fitting / inputs <= deadline * (1 + 1e-6)
    if fitting == 0:
        assert idle >= 0.8 * deadline


def test_a_call_behind_which_nobody_waits_may_stay():
    assert (
        fitting_call_inputs(
            call_inputs=32, idle_seconds=1.0, busy_seconds=0.9, deadline_seconds=2.0
        )
        == 32
    )


@given(rate=rates, idle=seconds, busy=seconds)
def test_a_throttle_is_below_the_rate_and_keeps_the_mean_wait_at_the_query_itself(rate, idle, busy):
    throttle = suggested_throttle(
        documents_per_second=rate, idle_seconds=idle, busy_seconds=busy
    ).documents_per_second
    if throttle is None:
        assert busy <= 2 * idle * (1 + 1e-6)
        return
    assert 0 < throttle <= rate
    share = throttle / rate
    assert share * (busy - idle) <= idle * (1 + 1e-6) or share == pytest.approx(0.05)


def test_no_throttle_without_a_rate():
    nothing = suggested_throttle(documents_per_second=0, idle_seconds=0.1, busy_seconds=9)
    assert nothing.documents_per_second is None


@given(ends=st.lists(st.integers(0, 5_000), min_size=1, max_size=20), wanted=st.integers(1, 500))
def test_an_even_sample_lies_in_the_log_and_is_bounded(ends, wanted):
    plan = evenly(ends, wanted)
    assert len(plan) == len(ends)
    offsets = [{offset for span in spans for offset in span} for spans in plan]
    for end, spans, seen in zip(ends, plan, offsets, strict=True):
        assert sum(map(len, spans)) == len(seen)
        assert all(0 <= offset < end for offset in seen)
    found = sum(map(len, offsets))
    assert found >= min(wanted, sum(ends)) * 0.5
    assert found <= wanted + 5 * len(ends)


def test_an_even_sample_reaches_both_ends_of_a_partition():
    ((first, *_, last),) = evenly([1_000], 40)
    assert first.start == 0
    assert last.start == 750
