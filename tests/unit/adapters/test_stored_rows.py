"""Rows are split into requests that are neither too long nor needlessly many."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pymilvus.client.prepare import Prepare

from schemas import Fingerprint
from streams.adapters.milvus_schema import collection_schema
from streams.adapters.stored_rows import encode_rows, in_requests
from streams.ports import Row


def rows(lengths):
    return encode_rows(
        [
            Row(
                id=f"a/{n}",
                embedding=np.ones(8, dtype=np.float32),
                source="articles",
                key={"id": n},
                shard=0,
                version=n,
                content_hash="0" * 32,
                metadata={"long": "é😀"[n % 2] * length},
                text_bytes=1,
                embedded_at=1,
            )
            for n, length in enumerate(lengths)
        ],
        dimensions=8,
    )


lengths = st.lists(st.integers(0, 3_000), max_size=30)


@given(lengths, st.integers(1, 30_000))
def test_no_row_is_lost_or_moved_by_splitting(sizes, limit):
    encoded = rows(sizes)
    assert [row for request in in_requests(encoded, limit) for row in request] == encoded


@given(lengths, st.integers(1_000, 30_000))
def test_no_request_of_several_rows_is_longer_than_its_limit_on_the_wire(sizes, limit):
    fields = collection_schema(Fingerprint(provider="memory", model="m", dimensions=8)).to_dict()
    for request in in_requests(rows(sizes), limit):
        message = Prepare.row_upsert_param("c", request, "", fields["fields"], [])
        assert request
        assert len(request) == 1 or message.ByteSize() <= limit


@given(lengths)
def test_rows_that_fit_together_go_together(sizes):
    assert len(list(in_requests(rows(sizes)))) == (1 if sizes else 0)


def test_text_in_other_scripts_goes_as_it_is_not_as_escapes():
    (row,) = rows([2])
    assert row["metadata"] == '{"long":"éé"}'
