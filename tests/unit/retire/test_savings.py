"""What a lane costs is what it would have bought, scaled to 30 days."""

import orjson
import pytest

from streams.core.savings import MONTH_SECONDS, Purchases, savings

DAY = 86_400_000
NOW = 1_000 * DAY


def purchases(*records, complete=NOW - DAY):
    made = Purchases(NOW, complete)
    made.begin_shard()
    for key, text, at in records:
        value = text and orjson.dumps({"text": text, "content_hash": text})
        made.add(key, value or None, at)
    return made


def test_each_new_text_counts_once_with_its_tokens():
    made = purchases(
        (b"a", "old", NOW - 40 * DAY),
        (b"a", "abcdef", NOW - 3 * DAY),
        (b"a", "abcdef", NOW - 2 * DAY),  # metadata alone
        (b"b", "abc", NOW - 1),
    )
    assert (made.window.documents, made.window.tokens) == (2, 3)


def test_what_came_before_the_window_does_not_count():
    made = purchases((b"a", "old", NOW - 40 * DAY), (b"b", "old", NOW - 31 * DAY))
    assert made.window.documents == 0


def test_the_first_filling_of_a_young_log_does_not_count():
    made = purchases((b"a", "filling", NOW - 5 * DAY), (b"a", "changed", NOW - DAY // 2))
    assert made.window.documents == 1
    assert made.window.since == NOW - DAY


def test_a_text_that_comes_back_after_a_delete_is_bought_again():
    made = purchases(
        (b"x", "x", NOW - 40 * DAY),
        (b"a", "abc", NOW - 3),
        (b"a", None, NOW - 2),
        (b"a", "abc", NOW - 1),
    )
    assert made.window.documents == 2


@pytest.mark.parametrize("value", [b"{", b"[]", b"{}", b"null"])
def test_what_is_no_document_is_not_bought(value):
    made = purchases()
    made.add(b"a", value, NOW)
    made.add(None, b"{}", NOW)
    assert made.window.documents == 0


def test_a_window_is_scaled_to_a_month_and_priced():
    made = purchases((b"a", "abc" * 100, NOW - 1), complete=NOW - 3 * DAY)
    found = savings(made.window, NOW, 4.0)
    assert found.window_seconds == 3 * 86_400
    assert found.tokens == 100
    assert found.monthly_tokens == 100 * MONTH_SECONDS // (3 * 86_400) == 1_000
    assert found.monthly == pytest.approx(0.004)


def test_without_a_price_there_is_no_money():
    made = purchases((b"a", "abc", NOW))
    assert savings(made.window, NOW, None).monthly is None
    assert savings(made.window, NOW, None).money is None


def test_less_than_a_day_has_its_price_and_is_not_scaled():
    made = purchases((b"a", "abc" * 100, NOW - 1), complete=NOW - DAY + 1_000)
    found = savings(made.window, NOW, 4.0)
    assert found.money == pytest.approx(100 * 4e-6)
    assert (found.monthly_tokens, found.monthly) == (None, None)
    empty = savings(purchases(complete=NOW).window, NOW, 4.0)
    assert (empty.window_seconds, empty.money, empty.monthly) == (0, 0, None)
