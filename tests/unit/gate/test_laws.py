"""No data is no success, whatever else was seen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import GateVerdict, Verdict
from schemas.search import Why
from streams.core.criteria import (
    CRITERIA,
    Backlog,
    Limits,
    Look,
    Mirrored,
    Quality,
    Side,
    Verified,
    judge,
)
from streams.core.criteria.estimates import percentile, wilson

pytestmark = pytest.mark.slow  # each law is tried on a hundred looks

GOOD = GateVerdict.SUCCESSFUL

counts = st.integers(0, 10)
numbers = st.floats(0, 2_000) | st.floats()
sides = st.builds(Side, st.none() | numbers, st.none() | numbers)
mirrored = st.builds(
    Mirrored,
    query_id=st.text(max_size=3),
    at=st.integers(),
    target=sides,
    source=sides,
    asked_beside=st.booleans(),
    failure=st.none() | st.sampled_from(Why),
    overlap=st.none() | numbers,
)
looks = st.builds(
    Look,
    now_ms=st.integers(0, 10**6),
    since_ms=st.none() | st.integers(0, 10**6),
    since_offset=st.none() | counts,
    verified=st.none()
    | st.builds(
        Verified,
        st.sampled_from(Verdict),
        offset=counts,
        age_seconds=st.floats(0, 200),
        is_after=st.booleans(),
        documents=counts,
        dead=counts,
        wrong=counts,
    ),
    backlog=st.none() | st.builds(Backlog, counts, counts),
    letters=st.none() | st.lists(st.text(max_size=3), max_size=3),
    mirrored=st.lists(mirrored, max_size=12),
    quality=st.none()
    | st.builds(Quality, counts, st.booleans(), st.just("nDCG@10"), numbers, numbers, numbers),
)
limits = st.builds(
    Limits,
    off=st.frozensets(st.sampled_from(sorted(CRITERIA))),
    samples=st.integers(0, 6),
    duration_seconds=st.integers(0, 100),
    evidence_seconds=st.integers(1, 200),
    lag_records=counts,
    dead_letters=counts,
    error_rate=st.floats(0, 1),
    timeout_rate=st.floats(0, 1),
    quality_retention=st.floats(0, 1),
    quality_queries=st.integers(0, 5),
    agreement=st.floats(0, 1),
)

OF_QUERIES = {"samples", "embedding", "embedding-source", "search", "search-source", "agreement"}


@given(looks, limits)
def test_success_rests_on_the_samples_that_each_criterion_needs(look, asked):
    judged = judge(look, asked)
    assert {each.criterion for each in judged.criteria} == set(CRITERIA)
    for each in judged.criteria:
        assert (each.verdict is None) == (each.criterion in asked.off)
        if each.verdict is GOOD:
            assert each.samples >= max(1, each.needed)
    if judged.verdict is GOOD:
        counted = [each for each in judged.criteria if each.verdict is not None]
        assert counted
        assert all(each.verdict is GOOD for each in counted)


@given(looks, limits)
def test_what_was_not_seen_at_all_is_never_a_success(look, asked):
    gone = {
        "verified": ({"coverage"}, None),
        "backlog": ({"lag", "dead-letters"}, None),
        "letters": ({"dead-letters"}, None),
        "quality": ({"quality"}, None),
        "mirrored": (OF_QUERIES | {"errors", "timeouts"}, ()),
        "since_ms": ({"duration"}, None),
    }
    for name, (about, nothing) in gone.items():
        judged = judge(replace(look, **{name: nothing}), asked)
        said = {each.criterion: each.verdict for each in judged.criteria}
        for criterion in about - asked.off:
            assert said[criterion] is not GOOD
            assert said[criterion] is not GateVerdict.FAILED or criterion == "dead-letters"
        if about - asked.off:
            assert judged.verdict is not GOOD


@given(looks, limits, st.integers(0, 5))
def test_queries_below_the_minimum_are_never_a_success(look, asked, left):
    asked = replace(asked, samples=left + 1)
    judged = judge(replace(look, mirrored=look.mirrored[:left]), asked)
    about = (OF_QUERIES | {"errors", "timeouts"}) - asked.off
    assert not [one for one in judged.criteria if one.criterion in about and one.verdict is GOOD]
    if about:
        assert judged.verdict is not GOOD


@given(looks, limits, st.data())
def test_leaving_out_a_query_that_was_good_turns_nothing_to_success(look, asked, data):
    """Of what has a limit of its own; against the source, leaving out changes the limit."""
    good = Mirrored("good", 0, Side(0.0, 0.0), Side(0.0, 0.0), overlap=1.0)
    place = data.draw(st.integers(0, len(look.mirrored)))
    more = [*look.mirrored[:place], good, *look.mirrored[place:]]

    def successes(queries):
        judged = judge(replace(look, mirrored=queries), asked)
        about = {"samples", "embedding", "search", "errors", "timeouts"}
        return {one.criterion for one in judged.criteria if one.verdict is GOOD} & about

    assert successes(look.mirrored) <= successes(more)


@given(looks, limits)
def test_one_failed_criterion_fails_the_whole(look, asked):
    judged = judge(look, asked)
    failed = [one for one in judged.criteria if one.verdict is GateVerdict.FAILED]
    assert (judged.verdict is GateVerdict.FAILED) == bool(failed)


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([50, 95, 99]), st.floats(0, 100))
def test_a_percentile_is_within_a_limit_exactly_if_that_share_of_the_samples_is(values, cent, most):
    share_is = 100 * sum(value <= most for value in values) >= cent * len(values)
    assert (percentile(values, cent) <= most) == share_is


@given(st.integers(0, 1_000), st.integers(0, 1_000))
def test_the_interval_of_a_rate_holds_the_rate(hits, misses):
    low, high = wilson(hits, hits + misses)
    assert 0 <= low <= high <= 1
    if hits + misses:
        assert low - 1e-9 <= hits / (hits + misses) <= high + 1e-9


def test_the_interval_of_a_rate_is_wilsons():
    low, high = wilson(10, 100)
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)
