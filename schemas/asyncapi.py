"""The AsyncAPI document: which records stand on which of Hotswap's topics.

Describes the topics by their default names. Knows the records only as models.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic.json_schema import models_json_schema

import schemas
from schemas.control import ControlRecord
from schemas.dead_letter import DeadLetter, Resolution
from schemas.document import Document
from schemas.observation import Observation
from schemas.record import Record

__all__ = ["all_records", "asyncapi", "pin_versions"]

_Json = dict[str, Any]

_BINDING = "0.5.0"
_DAY_MS = 24 * 3_600_000


def asyncapi() -> _Json:
    """The document, in version 3.0 of the specification."""
    control = _alternatives(ControlRecord)
    observations = _alternatives(Observation)
    records: list[type[Record]] = [Document, *control, *observations, DeadLetter, Resolution]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hotswap",
            "version": str(Record.VERSION),
            "description": "Records on Hotswap's own topics. All values are JSON in UTF-8.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "documents": _channel(
                "documents",
                "The newest document of every source row; the one source of all lanes. The offset"
                " of a record is its document's version, so partitions are never changed.",
                ["Document", "DocumentRemoved"],
                12,
                {"cleanup.policy": ["compact"], "delete.retention.ms": 30 * _DAY_MS},
            ),
            "control": _channel(
                "control",
                "Commands and evidence, kept for ever; state is their left fold. Times are the"
                " broker's (message.timestamp.type=LogAppendTime).",
                _names(control),
                1,
                {"cleanup.policy": ["delete"], "retention.ms": -1},
            ),
            "observations": _channel(
                "observations",
                "Small measurements: what workers say of themselves, how searches go, mirrored"
                " queries, feedback.",
                _names(observations),
                1,
                {"cleanup.policy": ["delete"], "retention.ms": 7 * _DAY_MS},
            ),
            "deadLetters": _channel(
                "dead-letters",
                "Records that could not be processed, with their reason, and what was done.",
                ["DeadLetter", "Resolution"],
                3,
                {"cleanup.policy": ["delete"], "retention.ms": 30 * _DAY_MS},
            ),
        },
        "operations": {
            f"{verb}{channel[0].upper()}{channel[1:]}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
            }
            for channel in ("documents", "control", "observations", "deadLetters")
            for verb, action in (("append", "send"), ("read", "receive"))
        },
        "components": {
            "messages": {
                "Document": _message(Document, _key("The document id.", max_length=512)),
                "DocumentRemoved": {
                    "title": "DocumentRemoved",
                    "summary": "The source row, or all its text, is gone.",
                    "payload": {"type": "null"},
                    **_key("The document id.", max_length=512),
                },
                **{
                    record.__name__: _message(record, _key("The record's kind."))
                    for record in control
                },
                **{
                    record.__name__: _message(record, _key("The role or lane."))
                    for record in observations
                },
                "DeadLetter": _in_header(
                    DeadLetter, "hotswap-dead-letter", "The original value's bytes, or their head."
                ),
                "Resolution": _in_header(Resolution, "hotswap-resolution", "Always null."),
            },
            "schemas": _schemas(records),
        },
    }


def pin_versions(definitions: _Json) -> None:
    """Make each record's schema say that it describes one `schema_version` only."""
    for record in all_records():
        if record.__name__ in definitions:
            properties = definitions[record.__name__]["properties"]
            properties["schema_version"]["const"] = record.VERSION


def all_records() -> list[type[Record]]:
    """Every record that the modules of `schemas` define, by name."""
    for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
        importlib.import_module(module.name)
    found, waiting = [], Record.__subclasses__()
    while waiting:
        record = waiting.pop()
        waiting += record.__subclasses__()
        # What has subclasses only holds what they share.
        if record.__module__.startswith("schemas.") and not record.__subclasses__():
            found.append(record)
    return sorted(found, key=lambda record: record.__name__)


def _alternatives(union: Any) -> Sequence[type[Record]]:  # noqa: ANN401 -- a type expression
    """The records of a type that is one record or an (annotated) union of several."""
    if isinstance(union, type):
        return [union]
    if get_origin(union) is Annotated:
        return _alternatives(get_args(union)[0])
    return [record for part in get_args(union) for record in _alternatives(part)]


def _names(records: Iterable[type[Record]]) -> list[str]:
    return [record.__name__ for record in records]


def _channel(
    topic: str, description: str, messages: Sequence[str], partitions: int, configuration: _Json
) -> _Json:
    return {
        "address": topic,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "partitions": partitions,
                "topicConfiguration": configuration,
                "bindingVersion": _BINDING,
            }
        },
    }


def _key(description: str, max_length: int | None = None) -> _Json:
    limit = {} if max_length is None else {"maxLength": max_length}
    key = {"type": "string", "description": description, **limit}
    return {"bindings": {"kafka": {"key": key, "bindingVersion": _BINDING}}}


def _message(record: type[Record], key: _Json) -> _Json:
    return {
        "title": record.__name__,
        "summary": _summary(record),
        "payload": {"$ref": f"#/components/schemas/{record.__name__}"},
        **key,
    }


def _in_header(record: type[Record], header: str, payload: str) -> _Json:
    return {
        "title": record.__name__,
        "summary": _summary(record),
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": [header],
            "properties": {
                header: {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "description": f"JSON as in #/components/schemas/{record.__name__}.",
                }
            },
        },
        "payload": {"description": payload},
        **_key("The original's key."),
    }


def _summary(record: type[Record]) -> str:
    return (record.__doc__ or "").partition("\n")[0]


def _schemas(records: Sequence[type[Record]]) -> _Json:
    _, definitions = models_json_schema(
        [(record, "validation") for record in records],
        ref_template="#/components/schemas/{model}",
    )
    pin_versions(definitions["$defs"])
    return dict(definitions["$defs"])
