"""How a command's work is run."""

import gc

import pytest

from streams.cli import session


async def frozen() -> int:
    return gc.get_freeze_count()


async def fails() -> None:
    raise ValueError("for some reason")


def test_what_is_loaded_is_left_out_of_garbage_collection_while_a_command_runs():
    assert session.run(frozen()) > 10_000
    assert gc.get_freeze_count() == 0


def test_and_is_looked_at_again_after_a_command_that_fails():
    with pytest.raises(ValueError, match="for some reason"):
        session.run(fails())
    assert gc.get_freeze_count() == 0
