"""`hotswap dead-letters`: what is listed, shown, put back and closed."""

import pytest

from schemas import Reason
from streams.cli.exits import Exit
from streams.core.dead_letters import dead_letter_record
from streams.ports import LogRecord
from tests.unit.cli.rows import now


@pytest.fixture
def letter(initialised) -> str:
    """A dead letter's id: an event that is not JSON."""
    original = LogRecord("cdc.public.articles", 0, 7, b'{"id": 1}', b"\xff{", 1_000)
    record = dead_letter_record(
        "dead-letters",
        original,
        stage="normalise",
        reason=Reason.NOT_JSON,
        detail="not [JSON]",
        document_id="articles/1",
        max_bytes=900_000,
    )
    ((partition, offset),) = now(initialised.log.append([record]))
    return f"{partition}-{offset}"


def test_dead_letters_are_listed_with_their_reason(hotswap, letter):
    (listed,) = hotswap("dead-letters", "list", "--json").json
    assert (listed["id"], listed["state"], listed["reason"]) == (letter, "open", "not_json")
    shown = hotswap("dead-letters", "list").out
    assert "not [JSON]" in shown
    assert "1 dead letter\n" in shown
    assert hotswap("dead-letters", "list", "--stage", "embed:ollama", "--json").json == []
    assert hotswap("dead-letters", "list", "--reason", "unknown_op", "--json").json == []


def test_a_dead_letter_is_shown_with_its_original_bytes_made_readable(hotswap, letter):
    shown = hotswap("dead-letters", "show", letter, "--json").json
    assert shown["key"] == '{"id": 1}'
    assert shown["value"] == "\\xff{"
    assert (shown["topic"], shown["partition"], shown["offset"]) == ("cdc.public.articles", 0, 7)
    assert "\\xff{" in hotswap("dead-letters", "show", letter).out


def test_a_dead_letter_that_would_fail_again_is_refused_with_status_1(hotswap, letter):
    ended = hotswap("dead-letters", "replay", letter, "--json")
    assert ended.status == Exit.FAILED
    assert ended.json[0]["done"] == "refused"


@pytest.mark.parametrize("what", [["replay", "--all"], ["discard", "ID", "--reason", "r"]])
def test_a_dry_run_over_dead_letters_changes_nothing(hotswap, initialised, letter, what):
    before = now(initialised.log.ends("dead-letters"))
    arguments = [letter if word == "ID" else word for word in what]
    (answer,) = hotswap("dead-letters", *arguments, "--dry-run", "--json").json
    assert answer["id"] == letter
    assert answer["done"] == f"would {what[0]}"
    assert now(initialised.log.ends("dead-letters")) == before


def test_a_dead_letter_is_discarded_once_with_a_reason(hotswap, letter):
    arguments = ["dead-letters", "discard", letter, "--reason", "row is gone", "--json"]
    assert hotswap(*arguments).json[0]["done"] == "discarded"
    again = hotswap(*arguments)
    assert again.status == Exit.FAILED
    assert again.json[0]["done"] == "refused"
    assert hotswap("dead-letters", "list", "--json").json == []
    (closed,) = hotswap("dead-letters", "list", "--all", "--json").json
    assert closed["state"] == "discarded"
    assert closed["resolved_because"] == "row is gone"


@pytest.mark.parametrize("arguments", [[], ["0-0", "--all"], ["0-0", "--stage", "normalise"]])
def test_replay_wants_either_ids_or_a_choice(hotswap, initialised, arguments):
    assert initialised
    assert hotswap("dead-letters", "replay", *arguments).status == Exit.USAGE


def test_a_dead_letter_that_is_not_there_is_named(hotswap, initialised):
    assert initialised
    ended = hotswap("dead-letters", "show", "0-99")
    assert ended.status == Exit.USAGE
    assert "0-99" in ended.err
