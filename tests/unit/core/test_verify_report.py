from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas import Finding, Verdict, VerifySample
from streams.core.verify_report import MAX_SAMPLES, Tally, conclude


def sample(shard: int, id_: str) -> VerifySample:
    return VerifySample(id=id_, shard=shard, expected="", found="")


def judged(counts=None, *, documents=10, lag=None, differences=None):
    return conclude(
        documents=documents,
        counts=Counter(counts or {}),
        lag=lag or {},
        fingerprint_differences=differences or {},
    )


def test_nothing_found_is_clean():
    assert judged() == (Verdict.CLEAN, "10 documents, each with its row")


def test_dead_letters_are_told_and_do_not_break_a_clean_verdict():
    verdict, reason = judged({Finding.DEAD_LETTERED: 3})
    assert verdict is Verdict.CLEAN
    assert reason == "7 documents, each with its row; 3 documents have dead letters instead"


def test_one_difference_is_no_longer_clean():
    for finding in Finding:
        if finding is not Finding.DEAD_LETTERED:
            verdict, reason = judged({finding: 1})
            assert verdict is Verdict.DIFFERENT, finding
            assert "1 " + finding.replace("_", " ") in reason


def test_another_models_collection_is_different_even_when_it_is_empty():
    verdict, reason = judged(documents=0, differences={"model": ("a", "b")})
    assert verdict is Verdict.DIFFERENT
    assert "another model's (model)" in reason


def test_a_lane_that_lags_gets_no_verdict_about_its_rows():
    verdict, reason = judged(lag={3: 40, 1: 2})
    assert verdict is Verdict.INCONCLUSIVE
    assert "42 records of partition 1, 3" in reason


def test_all_findings_are_listed_in_the_totals():
    tally = Tally()
    tally.add(Finding.STALE, sample(0, "a"))
    assert tally.totals() == {f: int(f is Finding.STALE) for f in Finding}
    assert tally.shard(0) == {Finding.STALE: 1}
    assert tally.shard(1) == {}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2000)), max_size=1500, unique=True))
def test_the_same_findings_give_the_same_samples_in_any_order(places):
    def samples(in_order):
        tally = Tally()
        for shard, number in in_order:
            tally.add(Finding.EXTRA, sample(shard, f"s/{number:05}"))
        assert tally.totals()[Finding.EXTRA] == len(places)
        return tally.samples()

    kept = samples(places)
    assert kept == samples(reversed(places))
    first = [(shard, f"s/{number:05}") for shard, number in sorted(places)[:MAX_SAMPLES]]
    assert [(s.shard, s.id) for s in kept.get(Finding.EXTRA, ())] == first
