import pytest

from schemas import Finding
from streams.core.batch import StoredVersion
from streams.core.repair import Mend, plan_repair
from streams.core.verification import Suspect

EXPECTED = StoredVersion(3, "00" * 16)


def suspect(id_: str, finding: Finding) -> Suspect:
    expected = None if finding is Finding.EXTRA else EXPECTED
    return Suspect(id_, finding, 0, expected, "")


@pytest.mark.parametrize(
    ("finding", "mend"),
    [
        (Finding.MISSING, Mend.EMBED),
        (Finding.EXTRA, Mend.DELETE),
        (Finding.STALE, Mend.WRITE),
        (Finding.DUPLICATE, Mend.EMBED),
        (Finding.MISPLACED, Mend.WRITE),
        (Finding.MALFORMED, Mend.EMBED),
        (Finding.WRONG_VECTOR, Mend.EMBED),
    ],
)
def test_each_difference_has_its_way_to_be_mended(finding, mend):
    one = suspect("s/1", finding)
    plan = plan_repair([one], 1)
    assert (plan.mends, plan.left, plan.why_left) == ([(one, mend)], 0, [])
    assert plan.counts() == {finding: 1}


@pytest.mark.parametrize("finding", [Finding.WRONG_FINGERPRINT, Finding.DEAD_LETTERED])
def test_what_no_single_row_can_mend_is_left(finding):
    plan = plan_repair([suspect("s/1", finding)], 1)
    assert (plan.mends, plan.left) == ([], 1)


def test_an_id_that_no_filter_may_name_is_left():
    plan = plan_repair([suspect('x" or 1==1', Finding.EXTRA), suspect("s/1", Finding.EXTRA)], 2)
    assert [one.id for one, _ in plan.mends] == ["s/1"]
    assert plan.left == 1
    assert "its id is none of a document" in plan.why_left[0]


def test_what_does_not_fit_into_one_run_is_left_for_the_next():
    plan = plan_repair([suspect("s/1", Finding.MISSING)], 5)
    assert (plan.left, plan.why_left) == (4, ["4: one run mends 100,000; run it again"])
