"""Change events as Debezium's Postgres connector writes them, field by field.

After what a connector of version 3.6.3 wrote; the tests compare with the recorded ones.
"""

from typing import Any

import orjson

from streams.bench.texts import FIRST_LSN, SOURCE, STARTED_MS, numbered
from streams.demo.corpus import Article
from streams.ports import NewRecord

__all__ = ["changes"]

_Schema = dict[str, Any]


def changes(topic: str, count: int, *, schema: bool) -> list[NewRecord]:
    """Inserts into the table `articles`, about 1 kB each.

    Args:
        topic: where they will stand.
        count: how many.
        schema: with the schema beside each key and value, as Connect's JSON converter adds it
            unless it is told not to: then about 5 kB each.
    """
    return [
        NewRecord(
            topic,
            _json({"id": number}, _KEY if schema else None),
            _json(_envelope(number, article), _VALUE if schema else None),
        )
        for number, article in numbered(count)
    ]


def _json(payload: dict[str, Any], schema: _Schema | None) -> bytes:
    return orjson.dumps(payload if schema is None else {"schema": schema, "payload": payload})


def _envelope(number: int, article: Article) -> dict[str, Any]:
    at, lsn = STARTED_MS + number, FIRST_LSN + number
    return {
        "before": None,
        "after": {
            "id": number,
            "title": article.title,
            "body": article.body,
            "module": article.module,
            "kind": article.kind,
            "views": number % 97,
        },
        "source": {
            "version": "3.6.3.Final",
            "connector": "postgresql",
            "name": "cdc",
            "ts_ms": at,
            "snapshot": "false",
            "db": "library",
            "sequence": f'["{lsn - 56}","{lsn}"]',
            "ts_us": at * 1_000,
            "ts_ns": at * 1_000_000,
            "schema": "public",
            "table": SOURCE,
            "txId": 700 + number,
            "lsn": lsn,
            "xmin": None,
            "origin": None,
            "origin_lsn": None,
        },
        "transaction": None,
        "op": "c",
        "ts_ms": at + 1_000,
        "ts_us": at * 1_000 + 1_000_123,
        "ts_ns": at * 1_000_000 + 1_000_123_456,
    }


def _field(kind: str, name: str, *, optional: bool = True) -> _Schema:
    return {"type": kind, "optional": optional, "field": name}


def _struct(name: str, fields: list[_Schema], **more: object) -> _Schema:
    return {"type": "struct", "fields": fields, "optional": True, "name": name} | more


_SNAPSHOT = {
    **_field("string", "snapshot"),
    "name": "io.debezium.data.Enum",
    "version": 1,
    "parameters": {
        "allowed": "true,first,first_in_data_collection,last_in_data_collection,last,false,"
        "incremental"
    },
    "default": "false",
}
_ROW = [
    _field("int32", "id", optional=False),
    *(_field("string", name) for name in ("title", "body", "module", "kind")),
    _field("int32", "views"),
]
_SOURCE = [
    *(_field("string", name, optional=False) for name in ("version", "connector", "name")),
    _field("int64", "ts_ms", optional=False),
    _SNAPSHOT,
    _field("string", "db", optional=False),
    _field("string", "sequence"),
    _field("int64", "ts_us"),
    _field("int64", "ts_ns"),
    _field("string", "schema", optional=False),
    _field("string", "table", optional=False),
    *(_field("int64", name) for name in ("txId", "lsn", "xmin")),
    _field("string", "origin"),
    _field("int64", "origin_lsn"),
]
_TRANSACTION = [
    _field("string", "id", optional=False),
    _field("int64", "total_order", optional=False),
    _field("int64", "data_collection_order", optional=False),
]
_KEY = _struct(f"cdc.public.{SOURCE}.Key", [_field("int32", "id", optional=False)], optional=False)
_VALUE = _struct(
    f"cdc.public.{SOURCE}.Envelope",
    [
        _struct(f"cdc.public.{SOURCE}.Value", _ROW, field="before"),
        _struct(f"cdc.public.{SOURCE}.Value", _ROW, field="after"),
        _struct(
            "io.debezium.connector.postgresql.Source",
            _SOURCE,
            optional=False,
            version=1,
            field="source",
        ),
        _struct("event.block", _TRANSACTION, version=1, field="transaction"),
        _field("string", "op", optional=False),
        *(_field("int64", name) for name in ("ts_ms", "ts_us", "ts_ns")),
    ],
    optional=False,
    version=2,
)
