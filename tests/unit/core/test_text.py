import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.text import MIN_BUDGET_BYTES, Text, clean, content_hash

PLENTY = 10_000

AWKWARD = st.text(
    alphabet="ab \t\n\r\0\u00a0\u2003\u3000é\u0301\u0327\u1100\u1161\u11a8\u212b\u0344"
    "שלום🎈👩\u200d\ufe0f🏽🇩🇪\U000e0061\u200b\ufeff",
    max_size=60,
)
TEXTS = AWKWARD | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
BUDGETS = st.integers(MIN_BUDGET_BYTES, 80)

FAMILY = "👩\u200d👩\u200d👧"
THUMB = "👍🏽"
FLAGS = "🇩🇪🇫🇷"
OLD_HANGUL = "\u1112\u119e\u11ab"  # its vowel has no composed syllables


@given(TEXTS, BUDGETS)
def test_cleaning_canonical_text_changes_nothing(raw, budget):
    text = clean(raw, budget)
    assert clean(text.value, budget) == Text(text.value)


@given(TEXTS, BUDGETS)
def test_canonical_text_is_nfc_stripped_without_nul_and_within_the_budget(raw, budget):
    value = clean(raw, budget).value
    assert unicodedata.is_normalized("NFC", value)
    assert value == value.strip()
    assert "\0" not in value
    assert len(value.encode()) <= budget


@given(TEXTS)
def test_nothing_is_cut_within_the_budget(raw):
    text = clean(raw, PLENTY)
    assert text.cut_bytes == 0
    assert text.value == unicodedata.normalize("NFC", raw.replace("\0", "").strip())


@given(TEXTS, BUDGETS)
def test_a_cut_text_is_the_head_of_the_whole_one_and_the_rest_is_counted(raw, budget):
    whole, text = clean(raw, PLENTY).value, clean(raw, budget)
    assert whole.startswith(text.value)
    assert len(text.value.encode()) + text.cut_bytes == len(whole.encode())


@given(TEXTS, BUDGETS)
def test_a_text_is_never_cut_to_nothing(raw, budget):
    assert bool(clean(raw, budget).value) == bool(clean(raw, PLENTY).value)


def test_a_cut_falls_on_the_last_white_space_of_the_last_tenth():
    raw = "word " * 18 + "abcdefghijkl mnopqrstuvwxyz"
    assert clean(raw, 104).value == raw[:102]
    assert clean(raw, 104).cut_bytes == len(raw) - 102


def test_white_space_before_the_last_tenth_does_not_shorten_the_text():
    raw = "head " + "x" * 1_000
    assert len(clean(raw, 100).value) == 100


def test_a_cut_between_two_words_loses_no_word():
    raw = "x" * 40 + " ab cd"
    assert clean(raw, 43).value == raw[:43]


def test_one_word_of_100_kb_is_cut_at_the_budget():
    text = clean("x" * 100_000, 1_200)
    assert (len(text.value), text.cut_bytes) == (1_200, 98_800)


@pytest.mark.parametrize("cluster", [FAMILY, THUMB, FLAGS[:2], OLD_HANGUL, "x\u0338\u0301"])
def test_a_cut_leaves_grapheme_clusters_whole(cluster):
    whole = cluster * 20
    for budget in range(len(cluster.encode()), len(whole.encode())):
        kept = clean(whole, budget).value
        assert len(kept) % len(cluster) == 0


def test_a_flag_is_not_made_of_halves_of_two_flags():
    flags = FLAGS * 8
    for budget in range(8, len(flags.encode())):
        assert len(clean(flags, budget).value) % 2 == 0


def test_a_pile_of_marks_is_cut_somewhere_rather_than_nowhere():
    text = clean("x" * 50 + "a" + "\u0315" * 500, 300)
    assert 290 <= len(text.value.encode()) <= 300


def test_all_that_is_left_out_of_a_long_text_is_counted():
    text = clean("é" * 100_000, 1_200)
    assert (len(text.value), text.cut_bytes) == (600, 198_800)


def test_accents_compose_across_a_removed_nul():
    assert clean("e\0\u0301", PLENTY).value == "é"


def test_half_a_surrogate_pair_is_an_error():
    with pytest.raises(UnicodeEncodeError):
        clean("a\ud800", PLENTY)


@pytest.mark.timeout(20)
def test_a_megabyte_of_marks_in_the_wrong_order_takes_no_time():
    marks = "a" + "\u0301" * 250_000 + "\u0323" * 250_000
    text = clean(marks, 1_200)
    assert len(text.value.encode()) <= 1_200


def test_nfc_shrinks_no_text_to_less_than_a_third():
    def bytes_of(value):
        return len(value.encode())

    for code in range(0x110000):
        character = chr(code)
        if unicodedata.decomposition(character) and not 0xD800 <= code < 0xE000:
            apart = unicodedata.normalize("NFD", character)
            together = unicodedata.normalize("NFC", character)
            assert max(bytes_of(apart), bytes_of(character)) <= 3 * bytes_of(together)


def test_the_hash_is_blake2b_128_of_the_utf8():
    assert content_hash("né") == "c90413a25cc9dc4a0ad2be276b3ef651"


@given(TEXTS, TEXTS)
def test_equal_hashes_mean_equal_texts(one, other):
    assert (content_hash(one) == content_hash(other)) == (one == other)
