"""An answer becomes unit vectors, or the error says which vector is wrong and how."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streams.core.vectors import unit_vectors
from streams.errors import MalformedVector

matrices = st.tuples(st.integers(1, 6), st.integers(1, 9)).flatmap(
    lambda shape: arrays.arrays(
        np.float32, shape, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
    ).filter(lambda matrix: bool(matrix.any(axis=1).all()))
)


@given(matrices)
def test_every_usable_answer_becomes_contiguous_unit_vectors(matrix):
    vectors = unit_vectors(matrix.tolist(), count=len(matrix), dimensions=matrix.shape[1])
    assert vectors.shape == matrix.shape
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


@given(matrices)
def test_the_direction_of_each_vector_is_kept(matrix):
    vectors = unit_vectors(list(matrix), count=len(matrix), dimensions=None)
    wide = matrix.astype(np.float64)
    along = np.einsum("ij,ij->i", vectors, wide) / np.linalg.norm(wide, axis=1)
    assert along == pytest.approx(1.0, abs=1e-5)


@given(matrices)
def test_lists_and_arrays_give_the_same_vectors(matrix):
    from_lists = unit_vectors(matrix.tolist(), count=len(matrix), dimensions=None)
    from_arrays = unit_vectors(list(matrix), count=len(matrix), dimensions=None)
    assert np.array_equal(from_lists, from_arrays)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ([[1.0, 0.0]], "asked for 2 vectors, got 1"),
        ([[1.0, 0.0]] * 3, "asked for 2 vectors, got 3"),
        ([], "asked for 2 vectors, got 0"),
        ([[1.0, 0.0], [1.0]], "vector 2 of 2 has 1 dimensions, not 2"),
        ([[1.0, 0.0, 0.0], [1.0, 0.0]], "vector 1 of 2 has 3 dimensions, not 2"),
        ([[1.0, 0.0], []], "vector 2 of 2 has 0 dimensions, not 2"),
        ([[1.0, 0.0], None], "vector 2 of 2 has 0 dimensions, not 2"),
        ([[1.0, 0.0], 7.0], "vector 2 of 2 has 0 dimensions, not 2"),
        ([[1.0, 0.0], [math.nan, 1.0]], "vector 2 of 2 holds NaN"),
        ([[math.inf, 0.0], [0.0, 1.0]], "vector 1 of 2 holds NaN"),
        ([[1.0, 0.0], [0.0, 1e39]], "vector 2 of 2 holds NaN or an infinity"),
        ([[1.0, 0.0], [None, 1.0]], "vector 2 of 2 holds NaN"),
        ([[0.0, 0.0], [0.0, 1.0]], "vector 1 of 2 is zero"),
        ([[1.0, 0.0], ["a", "b"]], "no matrix of numbers"),
        ([[1.0, 0.0], "ab"], "no matrix of numbers"),
        ([[1.0, 0.0], [[1.0], [2.0]]], "no matrix of numbers"),
    ],
)
def test_an_unusable_answer_is_refused_by_name(answer, complaint):
    with pytest.raises(MalformedVector, match=complaint):
        unit_vectors(answer, count=2, dimensions=2)


@pytest.mark.parametrize("answer", [[[], []], [1.0, 2.0], [[[1.0]], [[2.0]]]])
def test_without_known_dimensions_the_answer_must_still_be_a_matrix(answer):
    with pytest.raises(MalformedVector, match="has shape"):
        unit_vectors(answer, count=2, dimensions=None)


def test_without_known_dimensions_the_vectors_must_agree_with_each_other():
    with pytest.raises(MalformedVector, match="no matrix of numbers"):
        unit_vectors([[1.0], [1.0, 2.0]], count=2, dimensions=None)
