import numpy as np
import pytest

from streams.core.stored_vectors import cosines, malformed

UNIT = np.array([0.6, 0.8], dtype=np.float32)


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        ([np.nan, 1.0], "holds NaN or an infinity"),
        ([np.inf, 0.0], "holds NaN or an infinity"),
        ([0.0, 0.0], "length 0, not 1"),
        ([0.6, 0.81], "length 1.00802, not 1"),
        ([3e38, 3e38], "length 4.24264e+38, not 1"),
        ([1.0], "1 dimensions, not 2"),
        ([0.6, 0.8, 0.0], "3 dimensions, not 2"),
        (None, "no vector"),
    ],
)
def test_a_vector_that_can_not_be_searched_by_is_malformed(vector, why):
    bad = None if vector is None else np.array(vector, dtype=np.float32)
    assert malformed([UNIT, bad, UNIT], 2) == {1: why}


def test_no_vectors_are_not_malformed():
    assert malformed([], 2) == {}


def test_cosines_are_taken_row_by_row():
    one = np.array([[0.6, 0.8], [1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    other = np.array([[0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]], dtype=np.float32)
    assert cosines(one, other) == pytest.approx([1.0, 0.0, -1.0])
    assert cosines(one, other).max() <= 1.0
