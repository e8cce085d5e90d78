"""What is committed follows from what was completed, whatever order, gap or rebalance comes.

The consumer itself, without Kafka: an agent that works in order never asks these questions of
it, and Faust's own arithmetic gets each of them wrong.
"""

from faust.types import Message

from tests.unit.agents.ledger_rig import PARTITION


async def test_the_record_behind_a_compaction_gap_is_not_swallowed_by_the_gap(rig):
    chunk = rig.deliver(1, 50)
    rig.consumer.complete(chunk, [50])
    assert await rig.committed() is None
    rig.consumer.complete(chunk, [1])
    assert await rig.committed() == 51


async def test_the_record_behind_a_gap_between_two_fetches_is_not_swallowed_by_the_gap(rig):
    first = rig.deliver(1, 2)
    await rig.consumer._add_gap(PARTITION, 3, 50)  # what Faust notes before it hands on the next
    second = rig.deliver(50, 51)
    rig.consumer.complete(first, [1, 2])
    assert await rig.committed() == 3
    rig.consumer.complete(second, [51])
    assert await rig.committed() is None
    rig.consumer.complete(second, [50])
    assert await rig.committed() == 52


async def test_gaps_are_not_kept_so_that_a_thousand_of_them_cost_nothing(rig):
    """Faust merges them into one tree, in quadratic time."""
    for gap in range(1_000):
        await rig.consumer._add_gap(PARTITION, 3 * gap + 1, 3 * gap + 2)
    assert not rig.consumer._gap


async def test_a_fresh_group_does_not_step_over_its_first_record(rig):
    chunk = rig.deliver(7, 8, 9)
    rig.consumer.complete(chunk, [8, 9])
    assert await rig.committed() is None
    rig.consumer.complete(chunk, [7])
    assert await rig.committed() == 10


async def test_one_single_unfinished_record_stops_the_commit_there(rig):
    chunk = rig.deliver(1, 2, 3)
    rig.consumer.complete(chunk, [1, 3])
    assert await rig.committed() == 2


async def test_what_faust_acknowledges_counts_for_nothing(rig):
    """A stream acknowledges what it skips, and the batch whose body has raised."""
    chunk = rig.deliver(1, 2)
    rig.consumer.track_message(chunk)
    assert isinstance(chunk, Message)
    assert rig.consumer.ack(chunk) is False
    assert chunk.acked
    assert chunk not in rig.consumer._unacked_messages
    assert await rig.committed() is None
    assert rig.consumer.unfinished() == 2


async def test_what_was_committed_is_not_committed_again(rig):
    rig.consumer.complete(rig.deliver(1), [1])
    assert await rig.committed() == 2
    assert await rig.committed() is None


async def test_a_commit_that_failed_is_tried_again(rig):
    rig.consumer.complete(rig.deliver(1, 2), [1, 2])
    rig.takes_commits = False
    assert await rig.committed() == 3
    rig.takes_commits = True
    assert await rig.committed() == 3
    assert await rig.committed() is None


async def test_records_that_are_delivered_again_have_to_be_done_again(rig):
    rig.consumer.complete(rig.deliver(1, 2, 3), [2, 3])
    again = rig.deliver(1, 2, 3)
    rig.consumer.complete(again, [1])
    assert await rig.committed() == 2


async def test_a_partition_that_was_revoked_is_forgotten(rig):
    chunk = rig.deliver(1, 2, 3)
    rig.consumer.complete(chunk, [1])
    await rig.revoke()
    assert rig.consumer.unfinished() == 0
    rig.consumer.complete(chunk, [2, 3])
    assert await rig.committed() is None


async def test_what_an_earlier_generation_delivered_completes_nothing_in_this_one(rig):
    """The successor has had the partition meanwhile, and may have got further or not as far."""
    old = rig.deliver(1, 2, 3)
    await rig.revoke()
    await rig.assign(generation=2)
    new = rig.deliver(1, 2, 3)
    rig.consumer.complete(old, [1, 2, 3])
    assert await rig.committed() is None
    assert rig.consumer.unfinished() == 3
    rig.consumer.complete(new, [1])
    assert await rig.committed() == 2


async def test_a_partition_that_comes_back_begins_anew_even_if_it_was_never_revoked(rig):
    """A member that the group has thrown out hears only of the next assignment."""
    rig.deliver(1, 2, 3)
    await rig.assign(generation=2)
    again = rig.deliver(2, 3)
    rig.consumer.complete(again, [2, 3])
    assert await rig.committed() == 4
