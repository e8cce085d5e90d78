"""A column's value as part of a text, and as metadata that Milvus can hold.

Whether a float may have been an integer before it was read is decided here; reading it again
is up to the caller.
"""

from schemas import Reason
from streams.core.envelope.reading import INT64
from streams.core.envelope.refusal import Refused

__all__ = ["Rounded", "as_metadata", "as_text"]

_DEEPEST = 64  # levels; pydantic and orjson stop at about 200
_WHOLE_FROM = 2.0**63


class Rounded(Exception):
    """This float may be an integer that lost digits: read the record with `read_exactly`."""


def as_text(column: str, value: object, *, exact: bool) -> str:
    """What a column adds to a text: null nothing, numbers and booleans their JSON.

    Raises: Rounded unless read exactly; Refused with COLUMN_NOT_TEXT.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # Python's shortest form of a float is the same in every version, orjson's is not.
        return str(_number(value, exact=exact))
    kind = "a list" if isinstance(value, list) else "an object"
    raise Refused(Reason.COLUMN_NOT_TEXT, f"column {column!r} holds {kind}")


def as_metadata(value: object, *, exact: bool, depth: int = _DEEPEST) -> object:
    """The value as JSON whose integers all fit into 64 bits with sign; others become strings.

    Raises: Rounded unless read exactly; Refused with METADATA_TOO_LARGE if nested too deep.
    """
    if isinstance(value, str) or value is None:  # nearly all there is
        return value
    if isinstance(value, int | float):
        return _number(value, exact=exact)
    if depth == 0 and isinstance(value, list | dict):
        raise Refused(
            Reason.METADATA_TOO_LARGE, f"metadata is nested deeper than {_DEEPEST} levels"
        )
    if isinstance(value, list):
        return [as_metadata(item, exact=exact, depth=depth - 1) for item in value]
    if isinstance(value, dict):
        return {
            name: as_metadata(item, exact=exact, depth=depth - 1) for name, item in value.items()
        }
    raise TypeError(f"not JSON: {type(value).__name__}")


def _number(value: int | float, *, exact: bool) -> object:  # noqa: PYI041 -- told apart here
    if isinstance(value, int):
        return value if value in INT64 else str(value)
    if abs(value) >= _WHOLE_FROM and not exact:
        raise Rounded
    return value
