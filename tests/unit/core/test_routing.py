import math
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.routing import BUCKETS, Reason, Route, Routing, bucket, route

USERS = [f"user-{n}" for n in range(100_000)]

ANY_TEXT = st.text(st.characters(), max_size=20)  # half surrogate pairs too
PERCENT = st.floats(0, 100) | st.integers(0, 100_000).map(lambda n: n / 1_000)


def ramp(percent, **changes):
    return Routing(source="cloud", target="ollama", percent=percent, salt="salt", **changes)


def on_target(percent, users):
    return {user for user in users if route(ramp(percent), user).uses_target}


@pytest.mark.parametrize(
    ("salt", "key", "expected"),
    [
        ("", "", 77_138),
        ("salt", "user-1", 30_563),
        ("salt", "user-2", 29_216),
        ("other", "user-1", 96_693),
        ("salt", "\u00e9", 99_049),
        ("salt", "e\u0301", 87_320),
        ("salt", "😀", 18_734),
        ("salt", "\ud800", 5_150),
        ("salt", "a\0b", 15_926),
        ("salt", "x" * 10_000, 12_536),
        ("2026-11-cloud-ollama", "42", 613),
    ],
)
def test_a_bucket_is_the_same_in_every_version(salt, key, expected):
    assert bucket(salt, key) == expected


def test_a_bucket_is_the_same_in_another_process():
    script = "from streams.core.routing import bucket; print(bucket('salt', 'user-1'))"
    answers = {
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert answers == {"30563"}


def test_users_are_spread_evenly_over_buckets():
    """Pearson's chi-square over 1,000 equal groups of buckets; six deviations is a bug."""
    groups = 1_000
    counts = Counter(bucket("salt", user) * groups // BUCKETS for user in USERS)
    expected = len(USERS) / groups
    chi_square = sum((counts[group] - expected) ** 2 / expected for group in range(groups))
    freedom = groups - 1
    assert abs(chi_square - freedom) < 6 * math.sqrt(2 * freedom)


def test_another_salt_spreads_users_anew():
    first = {user for user in USERS if bucket("salt", user) < BUCKETS // 10}
    second = {user for user in USERS if bucket("other", user) < BUCKETS // 10}
    assert 700 < len(first & second) < 1_300  # a tenth of a tenth


def test_a_higher_percentage_only_adds_users():
    steps = [on_target(percent, USERS) for percent in (0, 5, 10, 50, 100)]
    assert all(lower < higher for lower, higher in pairwise(steps))
    shares = [len(step) / len(USERS) for step in steps]
    assert shares == pytest.approx([0, 0.05, 0.10, 0.50, 1.0], abs=0.005)


@given(PERCENT, PERCENT, st.lists(ANY_TEXT, max_size=20), ANY_TEXT | st.none())
def test_no_raise_moves_anybody_back(one, other, users, cohort):
    low, high = sorted((one, other))
    cohorts = frozenset({"staff"})
    for user in [*users, None]:
        before = route(ramp(low, cohorts=cohorts), user, cohort)
        after = route(ramp(high, cohorts=cohorts), user, cohort)
        assert after.uses_target >= before.uses_target


def test_each_thousandth_of_a_percent_adds_exactly_one_bucket():
    for last, user in {bucket("salt", user): user for user in USERS}.items():
        assert not route(ramp(last / 1_000), user).uses_target
        assert route(ramp((last + 1) / 1_000), user).uses_target


@given(ANY_TEXT, ANY_TEXT | st.none(), PERCENT)
def test_any_text_is_a_key_and_has_one_lane(key, cohort, percent):
    answer = route(ramp(percent), key, cohort)
    assert answer == route(ramp(percent), key, cohort)
    assert answer.lane == ("ollama" if answer.uses_target else "cloud")
    assert 0 <= bucket("salt", key) < BUCKETS


USER_AT_30_563 = "user-1"


@pytest.mark.parametrize(
    ("percent", "lane", "reason"),
    [
        (0, "cloud", Reason.DEFAULT),
        (30.563, "cloud", Reason.SPLIT),
        (30.564, "ollama", Reason.SPLIT),
        (99.999, "ollama", Reason.SPLIT),
        (100, "ollama", Reason.STATIC),
    ],
)
def test_the_reason_says_what_decided(percent, lane, reason):
    answer = route(ramp(percent), USER_AT_30_563)
    assert answer == Route(lane, reason, uses_target=lane == "ollama")


@pytest.mark.parametrize("key", [None, ""])
@pytest.mark.parametrize(
    ("percent", "lane", "reason"),
    [
        (0, "cloud", Reason.DEFAULT),
        (99.999, "cloud", Reason.DEFAULT),
        (100, "ollama", Reason.STATIC),
    ],
)
def test_who_has_no_key_stays_on_the_source_until_all_are_moved(key, percent, lane, reason):
    assert route(ramp(percent), key) == Route(lane, reason, uses_target=lane == "ollama")


@pytest.mark.parametrize("percent", [0, 0.001, 50])
@pytest.mark.parametrize("key", [None, "", USER_AT_30_563])
def test_a_cohort_on_the_target_comes_before_any_bucket(percent, key):
    answer = route(ramp(percent, cohorts=frozenset({"staff"})), key, "staff")
    assert answer == Route("ollama", Reason.TARGETING_MATCH, uses_target=True)


@pytest.mark.parametrize("cohort", [None, "", "STAFF", "staff ", "guests"])
def test_only_exactly_that_cohort_counts(cohort):
    answer = route(ramp(0, cohorts=frozenset({"staff"})), USER_AT_30_563, cohort)
    assert answer == Route("cloud", Reason.DEFAULT, uses_target=False)


def test_a_direction_is_nothing_but_two_names():
    there = Routing("ollama", "cloud", percent=100)
    assert route(there, "anybody") == Route("cloud", Reason.STATIC, uses_target=True)
