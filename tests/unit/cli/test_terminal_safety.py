"""What came from outside is shown by a terminal, and never obeyed."""

from schemas import Reason
from streams.core.dead_letters import dead_letter_record
from streams.ports import LogRecord
from tests.unit.cli.rows import now


def test_control_characters_of_a_dead_letter_do_not_reach_the_terminal(hotswap, initialised):
    original = LogRecord("cdc.public.articles", 0, 7, b"\x1b[31mkey", b"\x1b]0;title\x07value")
    record = dead_letter_record(
        "dead-letters",
        original,
        stage="normalise",
        reason=Reason.NOT_JSON,
        detail="\x1b[2J gone",
        document_id=None,
        max_bytes=900_000,
    )
    ((partition, offset),) = now(initialised.log.append([record]))
    shown = hotswap("dead-letters", "show", f"{partition}-{offset}").out
    listed = hotswap("dead-letters", "list").out
    assert "\x1b" not in shown + listed
    assert "\\x1b]0;title\\x07value" in shown
    assert "\\x1b[2J gone" in listed
