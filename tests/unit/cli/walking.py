"""Walking a migration on systems in memory, as far as a test needs it to have come."""

from collections.abc import Callable

from schemas import Command
from streams.cli.exits import Exit
from streams.ports import NewRecord
from tests.unit.cli.conftest import Hotswap, Systems
from tests.unit.cli.rows import now

__all__ = ["append", "appended_just_before", "catch_up", "control_end", "walk"]

_FORCED = ("--force", "--reason", "a test")


def catch_up(systems: Systems) -> None:
    """The lanes have done all there is on `documents`."""
    for lane in systems.embedders:
        systems.log.commit(f"hotswap-embed-{lane}", "documents", now(systems.log.ends("documents")))


def walk(hotswap: Hotswap, systems: Systems, to: str) -> None:
    """Go from stage off to `to`: dualwrite, shadow, live, or a ramp such as `ramp 50`."""
    catch_up(systems)
    steps = ["stage dualwrite", "verify ollama", "stage shadow", "stage live"]
    if to.startswith("ramp"):
        steps.append(to)
    else:
        steps = steps[: steps.index(f"stage {to}") + 1]
    for step in steps:
        words = step.split()
        ended = hotswap(*words, *(() if words[0] == "verify" else _FORCED))
        assert ended.status == Exit.OK, ended.out + ended.err


def append(systems: Systems, command: Command | bytes) -> None:
    """What somebody else sends, by whatever client."""
    value = command if isinstance(command, bytes) else command.encode()
    now(systems.log.append([NewRecord("control", None, value)]))


def control_end(systems: Systems) -> int:
    """How many records the control log has."""
    end: int = now(systems.log.ends("control"))[0]
    return end


def appended_just_before(systems: Systems, monkeypatch, command: Command) -> None:
    """Let `command` win the race against the next order that is given."""
    real: Callable = systems.log.append

    async def lose_the_race(records):
        monkeypatch.setattr(systems.log, "append", real)
        await real([NewRecord("control", None, command.encode())])
        return await real(records)

    monkeypatch.setattr(systems.log, "append", lose_the_race)
