"""What an embedder did with chosen texts, judged."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.preflight.facts import Unreachable
from streams.core.preflight.probe_facts import Latency, LongWord, Pair, Refused, Triple
from streams.core.preflight.wire_checks import bare
from tests.unit.preflight.world import changed, healthy, of, only

LANE = "lane ollama"
SAME, APART, REFUSED = Pair(0.0), Pair(1.0), Refused("too long")


@pytest.mark.parametrize(
    ("field", "value", "check", "expected"),
    [
        ("repeat", Pair(0.009), "determinism", "pass"),
        ("repeat", Pair(0.03), "determinism", "warn"),
        ("repeat", Pair(0.3), "determinism", "fail"),
        ("batch", Pair(0.04), "batch and single", "pass"),
        ("batch", Pair(0.1), "batch and single", "warn"),
        ("batch", Pair(1.4), "batch and single", "fail"),
        ("concurrent", Pair(1.4), "concurrency", "fail"),
        ("length_error", 0.01, "unit length", "fail"),
        ("empty", None, "empty query", "fail"),
        ("at_budget", SAME, "text budget", "fail"),
        ("at_budget", REFUSED, "text budget", "fail"),
        ("over_budget", SAME, "text budget", "warn"),
        ("over_budget", REFUSED, "text budget", "pass"),
        ("dense", REFUSED, "densest text", "warn"),
        ("scripts", {"German": APART, "Hindi": SAME}, "languages", "warn"),
        ("scripts", {"German": REFUSED, "Hindi": APART}, "languages", "warn"),
        ("accents", SAME, "accents", "warn"),
        ("accents", REFUSED, "accents", "warn"),
        ("emoji", SAME, "emoji", "warn"),
        ("long_word", LongWord(1_200, 1.1, 0.1), "longest word", "warn"),
        ("long_word", LongWord(1_200, 1.1, 0.5), "longest word", "pass"),
        ("long_word", LongWord(1_200, 0.9, 0.1), "longest word", "pass"),
        ("long_word", LongWord(1_200, 0.1, 0.1, REFUSED), "longest word", "warn"),
        ("latency", Latency(0.1, 2.1, 4.0, 32, 2.0), "query beside a call", "warn"),
        ("latency", Latency(3.0, 3.0, 4.0, 32, 2.0), "query beside a call", "warn"),
    ],
)
def test_each_probe_is_judged_by_itself(field, value, check, expected):
    facts = changed("probes", **{field: value})
    assert of(facts, LANE, check)[0] == expected
    assert only(facts) == ([] if expected == "pass" else [(LANE, check, expected)])


def test_every_probe_that_could_not_be_made_fails_its_check():
    away = Unreachable("it is away")
    for field in fields(next(iter(healthy().probes.values()))):
        if "Unreachable" in str(field.type) and field.name != "over_budget":
            found = only(changed("probes", **{field.name: away}))
            assert [outcome for area, _, outcome in found if area == LANE] == ["fail"], field.name


def test_one_wrong_canary_of_three_warns_and_two_fail():
    good, bad = Triple("a", 0.1, 1.0), Triple("b", 1.0, 0.1)
    for canary, expected in (((good, good, bad), "warn"), ((good, bad, bad), "fail")):
        outcome, seen, _ = of(changed("probes", canary=canary), LANE, "canary")
        assert outcome == expected
        assert seen.startswith("b")


def test_vectors_that_are_all_the_same_fail_the_canary():
    same = Triple("a", 0.0, 0.0)
    assert of(changed("probes", canary=(same, same)), LANE, "canary")[0] == "fail"


def test_a_last_word_that_can_not_be_told_from_noise_warns():
    facts = changed("probes", repeat=Pair(0.005), at_budget=Pair(0.004))
    assert of(facts, LANE, "text budget")[0] == "warn"


def test_a_query_that_waits_too_long_is_told_how_many_inputs_fit():
    facts = changed("probes", latency=Latency(0.1, 3.1, 3.0, 32, 2.0))
    assert of(facts, LANE, "query beside a call")[2] == "lower lanes.ollama.call_inputs to 16"


# What came over the wire

CHECK = "received by ollama"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}"))


def test_a_text_that_was_changed_on_the_way_fails_and_is_shown():
    facts = changed("wire", documents=(b"doc: one", b"doc: cafe"))
    outcome, seen, _ = of(facts, "same texts", CHECK)
    assert outcome == "fail"
    assert "'café' came as 'doc: cafe'" in seen


@pytest.mark.parametrize(
    "fields",
    [
        {"queries": (b"one?", "café ?".encode())},
        {"queries": ()},
        {"documents": (b"doc: one",)},
        {"documents": (b"doc: one", b"doc: caf\xff")},
        {"document_template": "passage: {text}"},
    ],
)
def test_a_side_that_differs_or_is_missing_fails(fields):
    assert of(changed("wire", **fields), "same texts", CHECK)[0] == "fail"


@given(text=TEXT, head=TEXT, tail=TEXT)
def test_a_template_is_taken_off_exactly(text, head, tail):
    template = f"{head}{{text}}{tail}"
    assert bare(template.replace("{text}", text, 1).encode(), template) == text.encode()


def test_head_and_tail_of_a_template_may_not_overlap():
    assert bare(b"aba", "ab{text}ba") is None
