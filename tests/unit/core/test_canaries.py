"""Canaries keep a vector's direction, tell noise from another model, and refuse nonsense."""

import base64
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from schemas import Canary
from streams.core.canaries import CANARY_TEXTS, LEAST_COSINE, canaries_of, least_alike
from streams.core.stored_vectors import cosines
from streams.core.vectors import unit_vectors

directions = st.integers(1, 64).flatmap(
    lambda dimensions: arrays(
        np.float32,
        (len(CANARY_TEXTS), dimensions),
        elements=st.floats(-1, 1, width=32, allow_subnormal=False),
    ).filter(lambda some: bool((np.abs(some).max(axis=1) > 1e-3).all()))
)


def unit(vectors):
    return unit_vectors(vectors, count=len(vectors), dimensions=None)


def turned(vectors, cosine: float):
    """Vectors that have this cosine with those; each is turned towards the same axis."""
    axis = np.zeros_like(vectors)
    axis[:, -1] = 1
    across = axis - (vectors * axis).sum(axis=1, keepdims=True) * vectors
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return (cosine * vectors + (1 - cosine**2) ** 0.5 * across).astype(np.float32)


VECTORS = unit(np.random.default_rng(1).standard_normal((len(CANARY_TEXTS), 384)))


@given(directions)
def test_a_pinned_vector_keeps_its_direction(some):
    vectors = unit(some)
    canaries = canaries_of(vectors)
    assert [canary.text for canary in canaries] == list(CANARY_TEXTS)
    kept = np.array([canary.numbers for canary in canaries], dtype=np.float32)
    assert cosines(kept, vectors).min() > 1 - 1e-6
    assert least_alike(canaries, vectors).holds


def test_a_pinned_vector_of_the_largest_models_stays_small():
    vectors = unit(np.random.default_rng(1).standard_normal((len(CANARY_TEXTS), 3_072)))
    canaries = canaries_of(vectors)
    assert sum(len(canary.vector) for canary in canaries) < 25_000
    assert canaries[0].vector not in repr(canaries)


@pytest.mark.parametrize("cosine", [1.0, 0.99999, LEAST_COSINE + 1e-4])
def test_the_noise_of_a_server_holds(cosine):
    found = least_alike(canaries_of(VECTORS), turned(VECTORS, cosine))
    assert found.cosine == pytest.approx(cosine, abs=1e-5)
    assert found.holds


@pytest.mark.parametrize("cosine", [LEAST_COSINE - 1e-4, 0.993, 0.5, -1.0])
def test_another_model_does_not(cosine):
    found = least_alike(canaries_of(VECTORS), turned(VECTORS, cosine))
    assert found.cosine == pytest.approx(cosine, abs=1e-5)
    assert not found.holds


@pytest.mark.parametrize("place", range(len(CANARY_TEXTS)))
def test_one_canary_that_moved_is_enough_and_is_the_one_that_is_named(place):
    vectors = VECTORS.copy()
    vectors[place] = -vectors[place]
    found = least_alike(canaries_of(VECTORS), vectors)
    assert (found.text, found.holds) == (CANARY_TEXTS[place], False)
    assert found.named.startswith(f"canary '{CANARY_TEXTS[place][:20]}")
    assert len(found.named) < 60


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}e", *numbers)).decode()


@pytest.mark.parametrize(
    "vector",
    [
        "",
        "?",
        "AAA",
        base64.b64encode(b"abc").decode(),
        packed(0.0, 0.0),
        packed(1.0, float("nan")),
        packed(1.0, float("-inf")),
    ],
)
def test_a_vector_that_nothing_can_be_compared_with_is_refused(vector):
    with pytest.raises(ValidationError, match="vector"):
        Canary(text="t", vector=vector)
