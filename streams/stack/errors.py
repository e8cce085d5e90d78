"""What the embedded stack raises: one error, which always says where the log is."""

from pathlib import Path

from streams.errors import HotswapError

__all__ = ["Cancelled", "StackError"]


class Cancelled(Exception):
    """A start was given up because another part failed or the user interrupted it."""


class StackError(HotswapError):
    """A part could not be started, or a command for it makes no sense.

    Attributes:
        part: the part's name, or `stack` if it concerns no single part.
        log: the part's log file, if it has one.
        tail: the last lines of that log.
    """

    def __init__(self, part: str, problem: str, *, log: Path | None = None, tail: str = "") -> None:
        text = f"{part}: {problem}"
        if log is not None:
            text += f"\n  log: {log}"
        if tail:
            text += "\n" + "\n".join(f"  | {line}" for line in tail.splitlines())
        super().__init__(text)
        self.part = part
        self.problem = problem
        self.log = log
        self.tail = tail
