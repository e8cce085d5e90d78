"""Chunks are cut into batches without losing, doubling or reordering a record."""

from hypothesis import given
from hypothesis import strategies as st

from streams.agents.consumption import batches
from tests.unit.agents.chunks import chunk


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(1, 50))
def test_every_record_stands_in_one_batch_in_order(sizes: list[int], size: int):
    chunks = [chunk(partition, count) for partition, count in enumerate(sizes)]
    made = list(batches(chunks, size))
    records = [record for batch in made for part in batch for record in part.records]
    assert records == [record for one in chunks for record in one.records]
    counts = [sum(len(part.records) for part in batch) for batch in made]
    assert all(count == size for count in counts[:-1])
    assert all(0 < count <= size for count in counts)


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(1, 50))
def test_a_part_keeps_the_chunk_that_its_records_came_in(sizes: list[int], size: int):
    chunks = [chunk(partition, count) for partition, count in enumerate(sizes)]
    for batch in batches(chunks, size):
        for part in batch:
            assert {record.partition for record in part.records} == {part.chunk.partition}
