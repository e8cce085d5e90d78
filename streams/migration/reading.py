"""From the bytes of a record to the command that it is, or to why it is none."""

import difflib

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas import ControlRecord, UnknownSchemaVersion, parse_control
from streams.migration.verdicts import Rejected, Rejection

__all__ = ["read_command"]

_MOST_BYTES = 262_144
_SHOWN = 300
_NAME_SHOWN = 40


def read_command(value: bytes) -> ControlRecord | Rejected:
    """The command that stands in a record. Never raises, whatever the bytes are."""
    if len(value) > _MOST_BYTES:
        why = f"{len(value):,} bytes; at most {_MOST_BYTES:,} are read"
        return Rejected(Rejection.TOO_LARGE, why)
    try:
        return parse_control(value)
    except UnknownSchemaVersion as error:
        return Rejected(Rejection.UNREADABLE, str(error)[:_SHOWN])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return Rejected(Rejection.UNREADABLE, _sentence(first)[:_SHOWN])


def _sentence(error: ErrorDetails) -> str:
    """What is wrong, without repeating at length what was sent."""
    context = error.get("ctx", {})
    discriminator = str(context.get("discriminator", "")).strip("'")
    if error["type"] == "union_tag_not_found":
        return f"{discriminator}: Field required"
    if error["type"] == "union_tag_invalid":
        known = [tag.strip("'") for tag in str(context["expected_tags"]).split(", ")]
        return _unknown(discriminator, str(context["tag"]), known)
    place = ".".join(str(part) for part in _fields(error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _fields(place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The place of an error without the tags that pydantic puts before it."""
    tags = 2 if place[:1] == ("build",) else 1
    return place[tags:]


def _unknown(field: str, name: str, known: list[str]) -> str:
    shown = name if len(name) <= _NAME_SHOWN else name[:_NAME_SHOWN] + "…"
    near = difflib.get_close_matches(name[:_NAME_SHOWN], known, n=1, cutoff=0.7)
    return f"{field} {shown!r} is not known: " + (
        f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    )
