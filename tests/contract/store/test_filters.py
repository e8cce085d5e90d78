"""Every store finds by a filter exactly the rows that `matches` says, the nearest first."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.filter import Filter
from streams.core.filters import matches

pytestmark = pytest.mark.slow

read = TypeAdapter(Filter).validate_python

HOSTILE = [
    "",
    '"',
    "\\",
    '\\"',
    '\\\\"',
    '" or id != ""',
    '") or (id != "',
    '"] or metadata["x"] != "',
    "' or '1' == '1",
    "\\n",
    "\\x00",
    "\\u0041",
    "\0",
    "a\0b",
    "\t",
    "\x0b\x0c\x1b\x7f\x85",
    "\u2028",
    "\u202e",
    "\ufeff",
    "%",
    "_",
    "{x}",
    "null",
    "true",
    "a",
    "A",
    "\u0430",  # a Cyrillic a
    "\uff41",  # a full-width a
    "\u00e9",
    "e\u0301",
    "中文",
    "\uffff",
    "😀",
    "👩\u200d💻",
    "\U0010ffff",
    " a ",
    "x" * 1_024,
]
NUMBERS = [
    *(0, -0.0, 1, 1.0, 1.5, 2, -1, -1.5, 1e300, -1e300, 5e-324, 0.1, 1e16, 10**16),
    *(2**53 - 1, 2**53, 2**53 + 1, 2.0**53, 2**63 - 1, -(2**63) + 1, 2.0**63, -(2.0**63)),
]
HELD_ONLY = [None, [], [1], ["a"], {}, {"y": 1}, -(2**63), 2**63, 2**64 - 1, "a\nb", "a\r\nb"]
KINDS: list[list] = [HOSTILE, NUMBERS, [True, False]]
SCALARS = [*HOSTILE, *NUMBERS, True, False]

ROWS: list[tuple[str, dict]] = [
    ("articles", {}),
    *(("articles", {"x": value, "é /~.": "v"}) for value in SCALARS),
    *(("other", {"x": value, "source": "articles"}) for value in HELD_ONLY),
    *(("other", {"y": value, "x": n % 3}) for n, value in enumerate(SCALARS[::3])),
]
"""Source and metadata."""

CONDITIONS = st.one_of(
    st.builds(
        lambda field, name, value: {"field": field, name: value},
        st.sampled_from(["x", "y", "source", "metadata.source"]),
        st.sampled_from(["eq", "ne"]),
        st.sampled_from([*SCALARS, "articles"]),
    ),
    st.builds(
        lambda field, name, value: {"field": field, name: value},
        st.sampled_from(["x", "y", "source", "metadata.source"]),
        st.sampled_from(["lt", "lte", "gt", "gte"]),
        st.sampled_from([*HOSTILE, *NUMBERS, "articles"]),
    ),
    st.builds(
        lambda field, values: {"field": field, "in": values},
        st.sampled_from(["x", "y", "source"]),
        st.sampled_from(KINDS).flatmap(
            lambda kind: st.lists(st.sampled_from(kind), min_size=1, max_size=5)
        ),
    ),
)


def parts(inner):
    several = st.lists(inner, min_size=1, max_size=4)
    return (
        st.builds(lambda part: {"not": part}, inner)
        | st.builds(lambda each: {"all": each}, several)
        | st.builds(lambda each: {"any": each}, several)
    )


LEVEL_3 = CONDITIONS | parts(CONDITIONS | parts(CONDITIONS | parts(CONDITIONS)))
EXISTING = st.builds(
    lambda field, part: {"all": [{"field": field, "exists": True}, part]},
    st.sampled_from(["x", "y", "source", "nowhere"]),
    LEVEL_3,
)


def vector(*numbers):
    return np.array(numbers, dtype=np.float32)


@pytest.fixture
async def filled(store, collection, row):
    """The collection, with a row `a/n` for each n-th of ROWS."""
    await store.upsert(
        collection,
        [
            row(f"a/{n}", source=source, metadata=metadata, embedding=vector(1, n / 100, 0, 0))
            for n, (source, metadata) in enumerate(ROWS)
        ],
    )
    return collection


async def found(store, collection, raw):
    hits = await store.search(collection, vector(1, 0, 0, 0), len(ROWS), read(raw))
    return [hit.id for hit in hits]


def expected(raw):
    """In order of distance, which is that of ROWS."""
    wanted = read(raw)
    return [f"a/{n}" for n, row in enumerate(ROWS) if matches(wanted, *row)]


async def test_each_comparison_with_each_value_finds_what_it_means(store, filled):
    operators = ["eq", "ne", "lt", "lte", "gt", "gte"]
    for value in SCALARS:
        for operator in operators[:2] if isinstance(value, bool) else operators:
            raw = {"field": "x", operator: value}
            assert await found(store, filled, raw) == expected(raw), raw
            raw = {"not": raw}
            assert await found(store, filled, raw) == expected(raw), raw


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(raw=LEVEL_3 | EXISTING)
# Milvus makes a list of these, which finds less than `==` does.
@example(raw={"field": "x", "in": [2**53 + 1, 2**53 + 1]})
@example(raw={"any": [{"field": "x", "eq": 0}, {"field": "x", "eq": 2**53 + 1}]})
@example(raw={"any": [{"field": "x", "eq": 1}, {"field": "x", "eq": 1.5}]})
async def test_any_filter_finds_what_it_means(store, filled, raw):
    assert await found(store, filled, raw) == expected(raw)


@pytest.mark.parametrize("kind", [HOSTILE, NUMBERS, [True], [True, False]])
async def test_lists_find_what_single_values_find(store, filled, kind):
    for values in (kind, kind[: len(kind) // 2] or kind):
        for wrap in (lambda raw: raw, lambda raw: {"not": raw}):
            listed = wrap({"field": "x", "in": values})
            single = wrap({"any": [{"field": "x", "eq": value} for value in values]})
            assert await found(store, filled, listed) == expected(listed) == expected(single)


async def test_a_hostile_string_finds_its_own_row_whole_and_no_other(store, filled):
    for value in HOSTILE:
        (hit,) = await store.search(
            filled,
            vector(1, 0, 0, 0),
            10,
            read({"all": [{"field": "x", "eq": value}, {"field": "source", "eq": "articles"}]}),
        )
        assert hit.metadata == {"x": value, "é /~.": "v"}
        assert hit.key == {"id": 1}


async def test_the_source_and_a_column_of_that_name_are_told_apart(store, filled):
    source = {"field": "source", "eq": "articles"}
    column = {"field": "metadata.source", "eq": "articles"}
    assert await found(store, filled, source) == expected(source)
    assert await found(store, filled, column) == expected(column)
    assert await found(store, filled, {"all": [source, column]}) == []
    assert await found(store, filled, {"field": "source", "exists": True}) == [
        f"a/{n}" for n in range(len(ROWS))
    ]


async def test_a_column_is_found_by_its_name_as_it_stands(store, collection, row):
    names = [
        *("a", "A b", "a.b", "a-b", "é", "中", "😀", "a/b", "a~b", "a~1b", "~0", "%", "$x", "0"),
        *("12", "-1", "a(b)", "{a}", "a,b", " ", "x ", "\u202e", "\u2028", "\ufeff", "metadata"),
        *("source", "*", "a==b", "and", "n" * 255),
    ]
    rows = [row(f"a/{n}", metadata={each: "v"}) for n, each in enumerate(names)]
    await store.upsert(collection, rows)
    for n, each in enumerate(names):
        raw = {"field": f"metadata.{each}", "eq": "v"}
        hits = await store.search(collection, vector(1, 0, 0, 0), 10, read(raw))
        assert [hit.id for hit in hits] == [f"a/{n}"]


async def test_the_nearest_are_chosen_among_the_rows_that_match(store, collection, row):
    rows = [
        row(f"a/{n}", embedding=vector(1, n / 100, 0, 0), metadata={"n": n}) for n in range(300)
    ]
    await store.upsert(collection, rows)
    far = read({"field": "n", "gte": 280})
    hits = await store.search(collection, vector(1, 0, 0, 0), 5, far)
    assert [hit.id for hit in hits] == [f"a/{n}" for n in range(280, 285)]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(await store.search(collection, vector(1, 0, 0, 0), 100, far)) == 20
    none = read({"field": "n", "gt": 299})
    assert await store.search(collection, vector(1, 0, 0, 0), 5, none) == []


async def test_a_filter_sees_a_change_of_metadata_at_once(store, collection, row):
    new = read({"field": "state", "eq": "new"})
    await store.upsert(collection, [row("a/1", metadata={"state": "new"})])
    assert len(await store.search(collection, vector(1, 0, 0, 0), 5, new)) == 1
    await store.upsert(collection, [row("a/1", metadata={"state": "old"})])
    assert await store.search(collection, vector(1, 0, 0, 0), 5, new) == []


@pytest.mark.parametrize("combine", ["all", "any"])
async def test_the_largest_filters_are_taken(store, filled, combine):
    longest = [f"{n:04}" * 256 for n in range(99)]
    leaves = [{"field": "x", "in": [*longest, "x" * 1_024]} for _ in range(64)]
    assert await found(store, filled, {combine: leaves}) == expected(leaves[0])
    deep: dict = {"field": "x", "in": [2**60 + n for n in range(100)]}
    for level in range(7):
        others = [{"field": "x", "ne": f"{level}{n}"} for n in range(9)]
        deep = {combine: [*others, deep]} if level else {"not": deep}
    assert await found(store, filled, deep) == expected(deep)
