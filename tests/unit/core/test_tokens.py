"""How many tokens texts take: guessed with caution, then learned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.allowance import Amount
from streams.core.tokens import FIRST_GUESS, LEAST, TokenRatio, believed, most_tokens

calls = st.lists(st.tuples(st.integers(1, 200_000), st.floats(0.0, 3.0)), max_size=40)


def learn(ratio: TokenRatio, size: int, density: float, times: int = 1) -> None:
    for _ in range(times):
        ratio.learn(Amount(size * ratio.per_byte, size), size * density)


def test_at_first_three_bytes_are_one_token():
    assert TokenRatio().per_byte == pytest.approx(FIRST_GUESS) == pytest.approx(1 / 3)
    likely, most = TokenRatio().amount(["x" * 298, "é"])
    assert likely == pytest.approx(304 / 3)
    assert most == 304


@given(calls)
def test_whatever_is_told_the_ratio_stays_between_its_bounds(told):
    ratio = TokenRatio()
    for size, density in told:
        learn(ratio, size, density)
        assert LEAST <= ratio.per_byte <= 1.0


@pytest.mark.parametrize("density", [0.15, 0.25, 0.4, 0.9])
@pytest.mark.parametrize("before", [0.15, 0.25, 0.4, 0.9])
@pytest.mark.parametrize("size", [500, 20_000, 150_000])
def test_it_comes_close_from_above_also_when_the_texts_change(before, density, size):
    ratio = TokenRatio()
    learn(ratio, size, before, times=1_000)
    learn(ratio, size, density, times=1 + 600_000 // size)
    assert density <= ratio.per_byte <= 1.15 * density


@given(calls, st.integers(1, 200_000))
def test_denser_texts_than_foreseen_raise_it_and_thinner_ones_do_not(told, size):
    ratio = TokenRatio()
    for each in told:
        learn(ratio, *each)
    before = ratio.per_byte
    learn(ratio, size, before)
    assert ratio.per_byte >= before - 1e-9
    before = ratio.per_byte
    learn(ratio, size, before / 1.2)
    assert ratio.per_byte <= before + 1e-9


def test_a_short_odd_text_hardly_counts_beside_long_ones():
    ratio = TokenRatio()
    learn(ratio, 50_000, 0.25, times=10)
    before = ratio.per_byte
    learn(ratio, 5, 1.0)
    assert ratio.per_byte == pytest.approx(before, rel=1e-3)


@given(st.text())
def test_a_text_takes_no_more_tokens_than_it_has_bytes_and_marks_around_it(text):
    assert most_tokens(text) == len(text.encode()) + 2


def test_an_account_that_no_text_can_have_is_not_believed():
    amount = Amount(400, 1_000)
    assert believed(amount, 250) == 250
    assert believed(amount, 1) == 100
    assert believed(amount, 5_000) == 5_000  # more than there can be: then it is as bad as told
