"""Change events as they come: JSON, Debezium's envelope, positions, placeholders."""

from streams.core.envelope.change import Beside, Change, Delete, Row, Truncate, change_of
from streams.core.envelope.placeholder import PLACEHOLDER, is_unavailable
from streams.core.envelope.position import is_older, may_be_older, position_of
from streams.core.envelope.reading import INT64, read, read_exactly, read_key
from streams.core.envelope.refusal import Refused
from streams.core.envelope.values import Rounded, as_metadata, as_text

__all__ = [
    "INT64",
    "PLACEHOLDER",
    "Beside",
    "Change",
    "Delete",
    "Refused",
    "Rounded",
    "Row",
    "Truncate",
    "as_metadata",
    "as_text",
    "change_of",
    "is_older",
    "is_unavailable",
    "may_be_older",
    "position_of",
    "read",
    "read_exactly",
    "read_key",
]
