"""Printing log files, and going on as they grow."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["print_logs"]

_EVERY_SECONDS = 0.2


def print_logs(logs: Mapping[str, Path], *, lines: int, follow: bool) -> None:
    """Print the last lines of each log by name; of several, with the name before each line.

    With `follow` it ends only by KeyboardInterrupt.
    """
    width = max(map(len, logs)) if len(logs) > 1 else 0
    ends: dict[str, int] = {}
    for name, log in logs.items():
        content = log.read_bytes() if log.exists() else b""
        ends[name] = content.rfind(b"\n") + 1
        shown = content[: ends[name]].splitlines()
        _print(name, width, shown[len(shown) - min(lines, len(shown)) :])
    while follow:
        time.sleep(_EVERY_SECONDS)
        for name, log in logs.items():
            more = _more(log, ends[name])
            # A line is printed once it is whole.
            whole = more.rfind(b"\n") + 1
            _print(name, width, more[:whole].splitlines())
            ends[name] += whole


def _more(log: Path, since: int) -> bytes:
    if not log.exists():
        return b""
    with log.open("rb") as file:
        file.seek(since)
        return file.read()


def _print(name: str, width: int, lines: list[bytes]) -> None:
    head = f"{name:<{width}} " if width else ""
    for line in lines:
        sys.stdout.write(f"{head}{line.decode('utf-8', errors='replace')}\n")
    sys.stdout.flush()
