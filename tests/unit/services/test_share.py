"""Workers of one lane share what its provider allows, over partitions and builds."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from streams.services.budget import Share


def test_two_builds_that_are_filled_together_get_half_each():
    told: list[float] = []
    builds = [1]
    share = Share(12, lambda: builds[0], [told.append])
    share.of_partitions(6)
    builds[0] = 2
    share.of_builds()
    share.of_builds()  # nothing new, nothing told
    builds[0] = 1
    share.of_builds()
    assert told == [0.5, 0.25, 0.5]


@given(
    held=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    builds=st.integers(1, 4),
)
def test_all_workers_together_never_take_more_than_there_is(held, builds):
    partitions = max(1, sum(held))
    fractions = {0: 0.0}
    for number, count in enumerate([*held] * builds):
        share = Share(partitions, lambda: builds, [partial(fractions.__setitem__, number)])
        share.of_partitions(count)
        fractions.setdefault(number, 1.0)
        if count == partitions and builds == 1:
            fractions[number] = 1.0
    assert sum(fractions.values()) <= 1.0 + 1e-9
