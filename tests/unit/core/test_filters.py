import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.filter import Filter, conditions
from streams.core.filters import expression, literal, matches

read = TypeAdapter(Filter).validate_python

TEXT = st.text(max_size=12) | st.text("\"'\\\0\t\u2028%_nu0x[]{}()=!é\u0435😀中", max_size=12)
ONE_LINE = TEXT.filter(lambda text: not set(text) & set("\r\n"))
COLUMNS = st.sampled_from(["source", "metadata.source", "x", "y z", "é", "metadata.metadata.x"])
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = ONE_LINE | NUMBERS | st.booleans()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def condition(operators):
    return st.builds(lambda field, op: {"field": field, **op}, COLUMNS, operators)


COMPARISONS = condition(
    st.builds(lambda name, value: {name: value}, st.sampled_from(["eq", "ne"]), SCALARS)
    | st.builds(
        lambda name, value: {name: value},
        st.sampled_from(["lt", "lte", "gt", "gte"]),
        ONE_LINE | NUMBERS,
    )
    | st.builds(
        lambda values: {"in": values},
        st.sampled_from([ONE_LINE, NUMBERS]).flatmap(
            lambda kind: st.lists(kind, min_size=1, max_size=4)
        ),
    )
)


def combined(leaves):
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(lambda part: {"not": part}, inner)
            | st.builds(
                lambda name, parts: {name: parts},
                st.sampled_from(["all", "any"]),
                st.lists(inner, min_size=1, max_size=3),
            )
        ),
        max_leaves=6,
    )


NEGATABLE = combined(COMPARISONS).filter(lambda raw: json.dumps(raw).count('"not"') < 4)


def refusal(raw):
    with pytest.raises(ValidationError) as caught:
        read(raw)
    return [error["msg"] for error in caught.value.errors()]


def nested(levels):
    raw = {"field": "x", "eq": 1}
    for _ in range(levels - 1):
        raw = {"not": raw}
    return raw


X = {"field": "x", "eq": 1}


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"field": "x"}, "exactly one operator of .*; this one has none"),
        ({"field": "x", "eq": 1, "lt": 2}, "exactly one operator of .*; this one has eq, lt"),
        ({"field": "x", "eq": None}, "a value is a string, a number, true or false"),
        ({"field": "x", "eq": {"$gt": 1}}, "a value is a string"),
        ({"field": "x", "lt": True}, "true and false have no order"),
        ({"field": "x", "eq": 2**63}, "an integer must lie between"),
        ({"field": "x", "eq": -(2**63)}, "an integer must lie between"),
        ({"field": "x", "eq": float("inf")}, "must be finite"),
        ({"field": "x", "eq": float("nan")}, "must be finite"),
        ({"field": "x", "eq": "é" * 1_025}, "1,024 characters, not 1,025"),
        ({"field": "x", "eq": "a\nb"}, "no line breaks"),
        ({"field": "x", "eq": "a\rb"}, "no line breaks"),
        ({"field": "x", "eq": "\ud800"}, "half surrogate pairs"),
        ({"field": "x", "in": "abc"}, "`in` takes a list of 1 to 100 values"),
        ({"field": "x", "in": []}, "`in` takes a list of 1 to 100 values"),
        ({"field": "x", "in": [1] * 101}, "1 to 100 values"),
        ({"field": "x", "in": [1, "a"]}, "must all be strings, all numbers or"),
        ({"field": "x", "in": [1, True]}, "must all be strings, all numbers or"),
        ({"field": "x", "in": [[1]]}, "a value is a string"),
        ({"field": "x", "exists": False}, "`exists` can only be true"),
        ({"not": {"all": [{"field": "x", "exists": True}]}}, "can not stand within `not`"),
        ({"field": "x", "like": "a%"}, "Extra inputs are not permitted"),
        ({"all": [X], "any": [X]}, "Extra inputs are not permitted"),
        ({"all": []}, "a list of at least one filter"),
        ({"any": X}, "a list of at least one filter"),
        ({"any": [X] * 65}, "at most 64 conditions"),
        ({"any": [{"all": [X] * 33}, {"all": [X] * 32}]}, "at most 64 conditions"),
        (nested(9), "nested at most 8 levels deep"),
        (nested(900), "nested at most 8 levels deep"),
        ({}, "a filter is an object with `field`"),
        ([X], "a filter is an object with `field`"),
        ('x == 1 or id != ""', "a filter is an object with `field`"),
    ],
)
def test_a_filter_that_is_not_well_formed_is_refused_with_one_reason(raw, complaint):
    (message,) = refusal(raw)
    assert re.search(complaint, message)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "metadata.",
        'a"b',
        "a'b",
        "a\\b",
        "a]",
        "a[0",
        "a\nb",
        "a\0",
        "\x7f",
        "\ud800",
        "é" * 256,
    ],
)
def test_a_field_that_milvus_could_misread_is_refused(field):
    (message,) = refusal({"field": field, "eq": 1})
    assert "a field is a name of 1 to 255 characters" in message


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("source", None),
        ("metadata.source", "source"),
        ("module", "module"),
        ("metadata.module", "module"),
        ("metadata", "metadata"),
        ("metadata.metadata.x", "metadata.x"),
    ],
)
def test_a_field_is_the_source_or_one_metadata_column(field, column):
    (only,) = conditions(read({"field": field, "eq": 1}))
    assert only.column == column


@given(NEGATABLE)
def test_a_filter_is_written_as_it_was_read(raw):
    reader = TypeAdapter(Filter)
    wanted = reader.validate_python(raw)
    assert reader.validate_json(reader.dump_json(wanted)) == wanted
    assert json.loads(reader.dump_json(wanted)) == json.loads(json.dumps(raw))
    assert hash(wanted) == hash(reader.validate_python(raw))


def test_the_conditions_of_a_filter_come_in_their_order():
    raw = {"all": [{"field": "a", "eq": 1}, {"not": {"any": [{"field": "b", "gt": 2}, X]}}]}
    found = [(each.field, each.operator, each.operand) for each in conditions(read(raw))]
    assert found == [("a", "eq", 1), ("b", "gt", 2), ("x", "eq", 1)]


UNKNOWN: list[dict] = [{}, {"x": None}, {"x": []}, {"x": [1]}, {"x": {"y": 1}}]


@pytest.mark.parametrize(
    ("operator", "operand", "true", "false", "unknown"),
    [
        ("eq", 1, [1, 1.0], [0, 2, 1.5, -1], [True, "1"]),
        ("eq", "1", ["1"], ["", "1 ", "a"], [1, 1.0, True]),
        ("eq", True, [True], [False], [1, "true", 1.0]),
        ("eq", "e\u0301", ["e\u0301"], ["\u00e9", "e"], [0]),
        ("eq", 2**53 + 1, [2**53 + 1, 2.0**53], [2**53], []),
        ("eq", 2.0**53, [2**53, 2**53 + 1, 2.0**53], [2**53 - 1], []),
        ("eq", 2**63 - 1, [2**63 - 1, 2**63, 2.0**63], [2**63 - 2], [2**64, float("nan")]),
        ("eq", 0, [0, -0.0], [5e-324], [False, ""]),
        ("ne", 1, [0, 1.5], [1, 1.0], [True, "a"]),
        ("ne", False, [True], [False], [0]),
        ("lt", 2, [1, 1.9, -(2**63)], [2, 3, 2.0], ["1", False]),
        ("lte", 2, [2, 2.0, 1], [2.1, 3], ["1", False]),
        ("gt", "Z", ["a", "é", "\uffff", "😀"], ["Z", "A", ""], [1]),
        ("gt", "\uffff", ["😀"], ["\ue000"], [1]),
        ("gte", 1.5, [1.5, 2], [1], ["2"]),
        ("in", ["a", "b"], ["a", "b"], ["c", ""], [1, True]),
        ("in", [1, 2.5], [1, 1.0, 2.5], [2, 3], ["1", True]),
        ("in", [True], [True], [False], [1]),
    ],
)
def test_a_comparison_is_true_false_or_unknown(operator, operand, true, false, unknown):
    wanted = read({"field": "x", operator: operand})
    opposite = read({"not": {"field": "x", operator: operand}})

    def both(metadata):
        return matches(wanted, "s", metadata), matches(opposite, "s", metadata)

    assert [both({"x": value}) for value in true] == [(True, False)] * len(true)
    assert [both({"x": value}) for value in false] == [(False, True)] * len(false)
    rows = [{"x": value} for value in unknown] + UNKNOWN
    assert [both(row) for row in rows] == [(False, False)] * len(rows)


def test_to_exist_is_to_hold_something_that_can_be_compared():
    wanted = read({"field": "x", "exists": True})
    assert all(matches(wanted, "s", {"x": value}) for value in ("", 0, -1.5, False, "a"))
    assert not any(matches(wanted, "s", row) for row in UNKNOWN)


def test_the_source_is_always_there_and_is_not_a_column():
    assert matches(read({"field": "source", "exists": True}), "s", {})
    assert matches(read({"field": "source", "eq": "s"}), "s", {"source": "t"})
    assert matches(read({"field": "metadata.source", "eq": "t"}), "s", {"source": "t"})
    assert not matches(read({"field": "source", "ne": 1}), "s", {})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"all": ["T", "T"]}, True),
        ({"all": ["T", "U"]}, False),
        ({"any": ["F", "T", "U"]}, True),
        ({"any": ["F", "U"]}, False),
        ({"not": {"all": ["T", "F"]}}, True),
        ({"not": {"all": ["F", "U"]}}, True),  # false whatever the unknown one is
        ({"not": {"all": ["T", "U"]}}, False),
        ({"not": {"any": ["F", "F"]}}, True),
        ({"not": {"any": ["F", "U"]}}, False),
        ({"not": {"not": "U"}}, False),
    ],
)
def test_parts_are_combined_as_in_sql(raw, expected):
    parts = {"T": X, "F": {"field": "x", "eq": 2}, "U": {"field": "y", "eq": 1}}
    text = re.sub(r'"([TFU])"', lambda found: json.dumps(parts[found[1]]), json.dumps(raw))
    assert matches(read(json.loads(text)), "s", {"x": 1}) is expected


@given(NEGATABLE, st.text(max_size=5), st.dictionaries(st.sampled_from(["x", "é"]), JSON))
def test_no_row_is_an_error_and_none_matches_a_filter_and_its_negation(raw, source, metadata):
    found = matches(read(raw), source, metadata), matches(read({"not": raw}), source, metadata)
    assert found != (True, True)
    assert matches(read({"not": {"not": raw}}), source, metadata) == found[0]


LITERAL = re.compile(r'"((?:[^"\\\r\n]|\\["\\])*)"')
"""As in Milvus' grammar; of its escapes, the two that Go and C++ read alike."""


@given(ONE_LINE)
def test_no_string_ends_its_literal_and_each_is_read_back(text):
    found = LITERAL.fullmatch(literal(text))
    assert found is not None
    assert re.sub(r"\\(.)", r"\1", found[1]) == text


@pytest.mark.parametrize("text", ["a\nb", "\r", '"\n'])
def test_a_line_break_has_no_literal(text):
    with pytest.raises(ValueError, match="line break"):
        literal(text)


@given(NUMBERS)
def test_a_number_is_read_back_as_the_same_number_of_the_same_type(number):
    back = json.loads(literal(number))
    assert (back, type(back)) == (number, type(number))


def test_a_number_that_writes_itself_in_its_own_way_is_written_plainly():
    class Odd(float):
        def __repr__(self):
            return "1 or 1 == 1"

    assert literal(Odd(1.5)) == "1.5"


@given(NEGATABLE)
def test_what_strings_hold_changes_nothing_of_an_expression_but_its_strings(raw):
    def harmless(part):
        if isinstance(part, dict):
            return {key: part[key] if key == "field" else harmless(part[key]) for key in part}
        if isinstance(part, list):
            return [harmless(each) for each in part]
        return "a" if isinstance(part, str) else part

    def skeleton(whole):
        return LITERAL.sub('""', expression(read(whole)))

    assert skeleton(raw) == skeleton(harmless(raw))
    words = re.sub(r"not in|and|or|in|source|metadata|id|true|false", "", skeleton(raw))
    assert re.fullmatch(r'[\[\]()<>=!," 0-9e.+-]*', words)
