"""How commands print: data on standard output, everything else on standard error."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import math
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "amount",
    "console",
    "duration",
    "harmless",
    "messages",
    "one_line",
    "print_json",
    "span",
    "table",
]


def print_json(value: object, *, indent: bool = True) -> None:
    """Print a value of dataclasses, models, dicts and lists as JSON on standard output."""
    flags = orjson.OPT_INDENT_2 if indent else 0
    sys.stdout.buffer.write(orjson.dumps(value, default=_plain, option=flags) + b"\n")
    sys.stdout.buffer.flush()


def amount(money: float) -> str:
    """Money in whatever currency: with cents, and below one with two digits that say something."""
    return f"{money:,.2f}" if money >= 1 else f"{money:.2g}"


def duration(hours: float) -> str:
    """Hours in the unit that suits them: 13.2 h, 18.5 min, 4.3 s."""
    minutes = 60 * hours
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{minutes:.1f} min" if minutes >= 1 else f"{60 * minutes:.1f} s"


def span(seconds: float) -> str:
    """A length of time in its two largest units, such as `2 h 5 min`."""
    if seconds < 1 or math.isinf(seconds):
        return "0 s" if seconds < 1 else "ever"
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    largest = next(index for index, (_, size) in enumerate(units) if seconds >= size)
    words, rest = [], int(seconds)
    for name, size in units[largest : largest + 2]:
        count, rest = divmod(rest, size)
        if count:
            words.append(f"{count:,} {name}")
    return " ".join(words)


def console() -> "Console":
    """For data that people read."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def messages() -> "Console":
    """For progress and remarks; never in the way of data that is piped on."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> "Table":
    """A table of plain text: no markup and no control character in a cell is obeyed."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(harmless(cell)) for cell in row))
    return made


def harmless(text: str) -> str:
    """Text that a terminal shows and does not obey: what it quotes may come from outside."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """The same on one line: what it quotes can not look like a line of its own."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _plain(value: object) -> object:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
