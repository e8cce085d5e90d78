"""A source as the normaliser needs it: its key, its text template, its metadata columns.

Built from the configuration by the services; the core does not read configuration.
"""

from dataclasses import dataclass
from string import Formatter
from typing import Self

__all__ = ["Source", "Template"]


@dataclass(frozen=True, slots=True)
class Template:
    """A text template over columns, such as `{title}` + blank line + `{body}`.

    Attributes:
        pieces: (literal, column) pairs in order; the column after the last literal is None.
        columns: the columns named, in order of first use.
    """

    pieces: tuple[tuple[str, str | None], ...]
    columns: tuple[str, ...]

    @classmethod
    def parse(cls, setting: str) -> Self:
        """Read a source's `text` setting; braces are doubled to stand for themselves.

        Raises: ValueError if it names no column, or one with a format or conversion.
        """
        pieces = []
        for literal, column, spec, conversion in Formatter().parse(setting):
            if spec or conversion or column == "":
                raise ValueError(f"may hold plain {{column}} only: {setting!r}")
            pieces.append((literal, column))
        columns = tuple(dict.fromkeys(column for _, column in pieces if column is not None))
        if not columns:
            raise ValueError(f"names no column: {setting!r}")
        return cls(tuple(pieces), columns)

    def fill(self, values: dict[str, str]) -> str:
        """The text of a row; empty if all its columns are blank.

        The template's own words are no content: a row without any text has nothing to embed.
        """
        # No generator: the normaliser comes by here with every row.
        for column in self.columns:
            if values[column].replace("\0", "").strip():
                break
        else:
            return ""
        return "".join(
            [
                literal if column is None else literal + values[column]
                for literal, column in self.pieces
            ]
        )


@dataclass(frozen=True, slots=True)
class Source:
    """One table or collection whose change events arrive on one topic.

    Attributes:
        name: part of every document id.
        key: the key's columns, in the id's order.
        template: how the text is built.
        metadata: columns kept beside the vector.
    """

    name: str
    key: tuple[str, ...]
    template: Template
    metadata: tuple[str, ...] = ()
