"""What a collection of Hotswap's looks like, and how to tell whether one does.

The collection's description carries the fingerprint: Milvus Lite keeps no properties.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pymilvus import CollectionSchema, DataType, FieldSchema

from schemas import Fingerprint
from streams.adapters.stored_rows import ID_BYTES, NAME_BYTES
from streams.errors import DriftError

__all__ = ["Described", "collection_schema", "describe", "drift"]

_FORMAT = 1
"""The number under `hotswap` in the description; another one is of another Hotswap."""


@dataclass(frozen=True, slots=True)
class Described:
    """A collection as it stands. `fields`: name → type with its parameters, in words."""

    fingerprint: Fingerprint
    fields: dict[str, str]


def collection_schema(fingerprint: Fingerprint) -> CollectionSchema:
    """The fields of a row (see `streams.ports.Row`), for vectors of this fingerprint."""
    text = {"dtype": DataType.VARCHAR, "max_length": NAME_BYTES}
    description = orjson.dumps(
        {"hotswap": _FORMAT, "fingerprint": fingerprint.model_dump(mode="json")}
    ).decode()
    return CollectionSchema(
        [
            FieldSchema("id", DataType.VARCHAR, is_primary=True, max_length=ID_BYTES),
            FieldSchema("embedding", DataType.FLOAT_VECTOR, dim=fingerprint.dimensions),
            FieldSchema("source", **text),
            FieldSchema("key", DataType.JSON),
            FieldSchema("shard", DataType.INT64),
            FieldSchema("version", DataType.INT64),
            FieldSchema("content_hash", **text),
            FieldSchema("metadata", DataType.JSON),
            FieldSchema("text_bytes", DataType.INT64),
            FieldSchema("embedded_at", DataType.INT64),
        ],
        description=description,
        enable_dynamic_field=False,
    )


def describe(collection: str, answer: Mapping[str, Any]) -> Described:
    """Read what Milvus says of a collection.

    Raises: DriftError if it was not made by Hotswap, or by another version of it.
    """
    description = answer.get("description", "")
    try:
        held = orjson.loads(description)
        ours = held["hotswap"] == _FORMAT
        fingerprint = Fingerprint.model_validate(held["fingerprint"]) if ours else None
    except (ValueError, TypeError, KeyError) as error:
        raise _not_ours(collection, description) from error
    if fingerprint is None:
        raise _not_ours(collection, description)
    return Described(fingerprint, {field["name"]: _words(field) for field in answer["fields"]})


def drift(collection: str, expected: Fingerprint, found: Described) -> None:
    """Refuse a collection with another fingerprint or other fields.

    Raises: DriftError.
    """
    differences = expected.differences(found.fingerprint)
    schema = collection_schema(expected).to_dict()
    fields = {field["name"]: _words(field) for field in schema["fields"]}
    for name in fields.keys() | found.fields.keys():
        wanted, there = fields.get(name, "no such field"), found.fields.get(name, "no such field")
        if wanted != there:
            differences[f"field {name}"] = (wanted, there)
    if differences:
        raise DriftError(
            f"collection {collection}", differences, "start a new build: it gets its own collection"
        )


def _not_ours(collection: str, description: str) -> DriftError:
    return DriftError(
        f"collection {collection}",
        {"description": ("a fingerprint written by Hotswap", description[:200])},
        "use another milvus.collection_prefix, or drop the collection",
    )


def _words(field: Mapping[str, Any]) -> str:
    """Such as `VARCHAR max_length=512 primary`."""
    parameters = field.get("params") or {}
    parts = [DataType(field["type"]).name]
    parts += [
        f"{name}={int(parameters[name])}" for name in ("dim", "max_length") if name in parameters
    ]
    if field.get("is_primary"):
        parts.append("primary")
    return " ".join(parts)
