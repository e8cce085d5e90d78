"""Every change event, key, text and configuration that has hurt somebody, and what becomes of it.

A case is one line: its name, what is given, and what becomes of it. Given is the key and the
value of a change event, or a record of `documents`, which becomes a `Reason` if it is
dead-lettered and otherwise an outcome; or a change to a valid configuration, or another live
collection, which is refused or told; or a record of the control log, which gets a verdict and,
unless it is accepted, changes nothing. Behind each record comes a good one, which goes through.
"""
# ruff: noqa: E501 (the cases are a table)

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas import BuildStarted, Document, Fingerprint, Reason
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.agents.roles import embed_role
from streams.config.load import load
from streams.core.identity import parse_document_id
from streams.core.normalisation import (
    Ignored,
    Limits,
    Put,
    Rejected,
    Remove,
    RemoveOlder,
    normalise,
)
from streams.core.source import Source, Template
from streams.core.text import content_hash
from streams.errors import ConfigurationError, DriftError
from streams.migration.signing import sign
from streams.migration.verdicts import Accepted, Held, Rejection, Unchanged
from streams.migration.verdicts import Rejected as NotObeyed
from streams.ports import LogRecord
from streams.services.follower import Follower
from streams.services.open import open_embedder
from streams.services.pinned import asked_otherwise, changed_in_words, pinned
from tests.configuration import BASE
from tests.unit.migration.log import Log, walked
from tests.unit.services import lane_world, normaliser_world
from tests.unit.services.normaliser_world import CDC, owned

LIMITS = Limits(text_budget_bytes=1_200, metadata_bytes=60_000, record_bytes=900_000)
ARTICLES = Source("articles", ("id",), Template.parse("{title}\n\n{body}"), ("tags", "note"))
PAIRS = Source("articles", ("word", "number"), Template.parse("{title}\n\n{body}"), ("note",))

LSN = {"connector": "postgresql", "lsn": 5, "ts_ms": 1_757_000_000_000}
PLACEHOLDER = "__debezium_unavailable_value"


LIVE = BuildStarted(
    id="build-1",
    by="t",
    lane="cloud",
    build=1,
    collection="documents_cloud",
    fingerprint=Fingerprint(provider="openai", model="small", dimensions=8),
    documents_partitions=12,
)

HIDDEN = "hunter2"  # what must not be repeated
KAFKA = 'bootstrap = "127.0.0.1:9092"'
SOURCE = '[[sources]]\nname = "{}"\ntopic = "{}"\nkey = ["id"]\ntext = "{{t}}"\n'


@dataclass(frozen=True)
class changed:  # noqa: N801 - reads as a word in the table
    """`old` in a valid configuration becomes `new`, with these environment variables."""

    old: str
    new: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class refused:  # noqa: N801 - reads as a word in the table
    """Loading the file, or opening lane `cloud` by it, names `setting` and says `problem`."""

    setting: str
    problem: str


@dataclass(frozen=True)
class told:  # noqa: N801 - reads as a word in the table
    """Lane `cloud` goes on as its build began, and says `difference`."""

    difference: str


@dataclass(frozen=True)
class holds:  # noqa: N801 - reads as a word in the table
    """The live collection of lane `cloud` holds vectors of so many dimensions."""

    dimensions: int


@dataclass(frozen=True)
class stopped:  # noqa: N801 - reads as a word in the table
    """The lane's worker ends before its first write, and says `difference`."""

    difference: str


@dataclass(frozen=True)
class lane:  # noqa: N801 - reads as a word in the table
    """A lane is given a record of `documents`."""

    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class says:  # noqa: N801 - reads as a word in the table
    """The fold's verdict is this one, and says `why`."""

    verdict: object
    why: str = ""


def order(**fields) -> bytes:
    """A control record; a field of ... is left out."""
    given = {"kind": "stage", "to": "shadow", "id": "new", "by": "somebody", **fields}
    return json.dumps({name: value for name, value in given.items() if value is not ...}).encode()


def key(value=1, **columns) -> bytes:
    return json.dumps(columns or {"id": value}, ensure_ascii=False).encode()


def event(op="c", before=None, source=LSN, **columns) -> bytes:
    after = {"id": 1, "title": "T", "body": "B", "tags": [], "note": None, **columns}
    envelope = {"before": before, "after": after, "source": source, "op": op}
    return json.dumps(envelope, ensure_ascii=False).encode("utf-8", "surrogatepass")


def other(**fields) -> bytes:
    return json.dumps(fields).encode()


def spelled(text: str) -> bytes:
    """An event whose `note` is this JSON text, letter by letter."""
    return event(note="HERE").replace(b'"HERE"', text.encode())


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


def document(**fields) -> bytes:
    """A record of `documents` under the key `a/1`."""
    given = {"id": "a/1", "source": "a", "key": {"id": 1}, "text": "T", "position": "1"}
    return other(**given | {"content_hash": content_hash("T"), "schema_version": 1, **fields})


TABLE = other(type="struct", fields=[], optional=False)
SCHEMA = json.loads(TABLE)
GOOD = event()

CASES: list[tuple[Any, ...]] = [
    # JSON
    ("not JSON", key(), b"not JSON", Reason.NOT_JSON),
    ("nothing at all", key(), b"", Reason.NOT_JSON),
    ("cut off", key(), GOOD[:-1], Reason.NOT_JSON),
    ("followed by more", key(), GOOD + b"{}", Reason.NOT_JSON),
    ("Avro", key(), b"\0\0\0\0\x07\x02\x0cabc", Reason.NOT_JSON),
    ("not UTF-8", key(), event(title="\xe9").decode().encode("latin-1"), Reason.NOT_JSON),
    ("byte order mark", key(), b"\xef\xbb\xbf" + GOOD, Reason.NOT_JSON),
    ("nested 10,000 deep", key(), spelled(deep(10_000)), Reason.NOT_JSON),
    ("all of it nested 100,000 deep", key(), deep(100_000).encode(), Reason.NOT_JSON),
    ("nested 900 deep", key(), spelled(deep(900)), Reason.METADATA_TOO_LARGE),
    ("nested 900 deep, column unused", key(), event(unused=json.loads(deep(300))), Put),
    ("NaN", key(), spelled("NaN"), Reason.NOT_JSON),
    ("1e400", key(), spelled("1e400"), Reason.NOT_JSON),
    ("1e308", key(), spelled("1e308"), Put),
    ("integer of 65 bits", key(), spelled("18446744073709551616"), Put),
    ("integer of 1,000 bits", key(), spelled(str(2**1000)), Put),
    ("integer of 65 bits, 900 deep", key(), event(unused=json.loads(deep(900)), title=2**64), Put),
    ("name twice in the value", key(), spelled('1,"note":2'), Put),
    # envelopes
    ("a string", key(), b'"text"', Reason.NOT_AN_ENVELOPE),
    ("a number", key(), b"1", Reason.NOT_AN_ENVELOPE),
    ("a list", key(), b"[]", Reason.NOT_AN_ENVELOPE),
    ("an empty object", key(), b"{}", Reason.NOT_AN_ENVELOPE),
    ("an unwrapped row", key(), other(id=1, title="T", body="B"), Reason.NOT_AN_ENVELOPE),
    ("a row with status BEGIN", key(), other(id=1, status="BEGIN", x=1), Reason.NOT_AN_ENVELOPE),
    ("a row that is a time", key(), other(ts_ms=1), Reason.NOT_AN_ENVELOPE),
    ("without after", key(), other(op="c", source=LSN), Reason.NOT_AN_ENVELOPE),
    ("after is null", key(), other(op="u", after=None), Reason.NOT_AN_ENVELOPE),
    ("after is a list", key(), other(op="u", after=[]), Reason.NOT_AN_ENVELOPE),
    ("after is JSON text", key(), other(op="c", after='{"title":"T","body":"B"}'), Put),
    ("after is other text", key(), other(op="c", after="{no"), Reason.NOT_JSON),
    ("with schema", key(), other(schema=SCHEMA, payload=json.loads(GOOD)), Put),
    ("without schema", key(), GOOD, Put),
    ("schema in the key only", other(schema=SCHEMA, payload={"id": 1}), GOOD, Put),
    ("schema without payload", key(), other(schema=SCHEMA), Reason.NOT_AN_ENVELOPE),
    ("without source", key(), other(op="c", after=json.loads(GOOD)["after"]), Put),
    ("source of nonsense", key(), event(source={"connector": [], "lsn": {}, "ts_ms": "x"}), Put),
    ("op unknown", key(), event(op="x"), Reason.UNKNOWN_OP),
    ("op in capitals", key(), event(op="C"), Reason.UNKNOWN_OP),
    ("op of 1 MB", key(), event(op="x" * 1_000_000), Reason.UNKNOWN_OP),
    ("op null", key(), event(op=None), Reason.UNKNOWN_OP),
    ("op an object", key(), event(op={"c": deep(2)}), Reason.UNKNOWN_OP),
    ("create", key(), event("c"), Put),
    ("read", key(), event("r"), Put),
    ("update", key(), event("u"), Put),
    ("delete", key(), event("d"), Remove),
    ("tombstone before any create", key(), None, Remove),
    ("tombstone as JSON", key(), b"null", Remove),
    ("tombstone with schema", key(), other(schema=None, payload=None), Remove),
    ("truncate", None, event("t"), RemoveOlder),
    ("truncate without position", None, event("t", source={}), Reason.POSITION_MISSING),
    ("logical message", key(prefix="p"), other(op="m", message={"prefix": "p"}), Ignored),
    ("heartbeat", key(serverName="cdc"), other(ts_ms=1), Ignored),
    ("heartbeat, null key", None, other(ts_ms=1), Reason.NOT_AN_ENVELOPE),
    ("transaction", key("5:7"), other(status="BEGIN", id="5:7", event_count=None), Ignored),
    ("schema change", key(databaseName="d"), other(source=LSN, ddl="ALTER TABLE a"), Ignored),
    # keys
    ("null key", None, GOOD, Reason.NULL_KEY),
    ("null key of a delete", None, event("d"), Reason.NULL_KEY),
    ("null key of a tombstone", None, None, Reason.NULL_KEY),
    ("null key as JSON", b"null", GOOD, Reason.NULL_KEY),
    ("null key with schema", other(schema=None, payload=None), GOOD, Reason.NULL_KEY),
    ("key not JSON", b"Struct{id=1}", GOOD, Reason.NOT_JSON),
    ("empty key", b"", GOOD, Reason.NOT_JSON),
    ("key a bare value", b"1", GOOD, Reason.KEY_INCOMPLETE),
    ("key a list", b"[1]", GOOD, Reason.KEY_INCOMPLETE),
    ("key missing a column", b"{}", GOOD, Reason.KEY_INCOMPLETE),
    ("key with another column", key(uuid=1), GOOD, Reason.KEY_INCOMPLETE),
    ("key with one column more", key(id=1, tenant=2), GOOD, Reason.KEY_INCOMPLETE),
    ("key with a name of 1 MB", key(**{"x" * 1_000_000: 1}), GOOD, Reason.KEY_INCOMPLETE),
    ("key column null", key(None), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column a list", key([1]), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column an object", key({"scale": 0, "value": "Ag=="}), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column a fraction", key(1.5), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column a whole double", key(1.0), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column of 65 bits", key(2**64), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column of 64 bits", key(2**64 - 1), GOOD, Put),
    ("key column a boolean", key(value=True), GOOD, Put),
    ("key column empty", key(""), GOOD, Put),
    ("name twice in the key", b'{"id":1,"id":2}', GOOD, Reason.NOT_JSON),
    ("name twice, spelled apart", b'{"id":1,"\\u0069d":2}', GOOD, Reason.NOT_JSON),
    ("name twice in the key's schema", b'{"schema":null,"payload":{"id":1,"id":1}}', GOOD,
     Reason.NOT_JSON),
    ("key nested 10,000 deep", deep(10_000).encode(), GOOD, Reason.NOT_JSON),
    ("key nested 1,000 deep", key(id=json.loads(deep(900))), GOOD, Reason.NOT_JSON),
    ("key of 10 kB", key("x" * 10_000), GOOD, Reason.KEY_TOO_LONG),
    ("key of 5 MB", key("x" * 5_000_000), None, Reason.KEY_TOO_LONG),
    ("key of 200 emoji", key("🎈" * 200), GOOD, Reason.KEY_TOO_LONG),
    ("key with quotes", key("\"'`"), GOOD, Put),
    ("key with backslash", key("a\\b"), GOOD, Put),
    ("key with newline", key("a\nb\r"), GOOD, Put),
    ('key with " or 1==1', key('" or 1==1'), GOOD, Put),
    ("key with look-alikes", key("\u0430\u0301e\u0301é"), GOOD, Put),
    ("key with emoji", key("👩\u200d👧"), GOOD, Put),
    ("key with NUL", key("a\0b"), GOOD, Put),
    ("key with half a surrogate pair", b'{"id":"\\ud800"}', GOOD, Reason.TEXT_NOT_UNICODE),
    ("key not UTF-8", b'{"id":"\xff"}', GOOD, Reason.NOT_JSON),
    # text
    ("value of 5 MB", key(), event(unused="x" * 5_000_000), Put),
    ("text of 1 MB", key(), event(body="word " * 200_000), Put),
    ("text of one word of 100 kB", key(), event(body="x" * 100_000), Put),
    ("text empty", key(), event(title="", body=""), Remove),
    ("text only spaces", key(), event(title=" \t\n\u3000", body="\u00a0"), Remove),
    ("text only NUL", key(), event(title="\0\0", body="\0 \0"), Remove),
    ("text null", key(), event(title=None, body=None), Remove),
    ("text with half a surrogate pair", key(), event(body="HERE").replace(b"HERE", b"\\ud83d"),
     Reason.TEXT_NOT_UNICODE),
    ("surrogates as bytes", key(), event(body="\ud83d"), Reason.NOT_JSON),
    ("surrogates in a column unused", key(), event(x="HERE").replace(b"HERE", b"\\ude00"),
     Reason.TEXT_NOT_UNICODE),
    ("text from right to left", key(), event(title="\u202e\u05e9\u05dc", body="مرحبا" * 999), Put),
    ("text half emoji", key(), event(body="a👩\u200d👩\u200d👧" * 999), Put),
    ("text of marks", key(), event(body="a" + "\u0323\u0301" * 99_999), Put),
    ("column missing", key(), other(op="c", after={"title": "T"}), Reason.COLUMN_MISSING),
    ("metadata column missing", key(), other(op="c", after={"title": "T", "body": "B"}), Put),
    ("column a number", key(), event(body=12), Put),
    ("column a fraction", key(), event(body=-0.5), Put),
    ("column a boolean", key(), event(body=False), Put),
    ("column null", key(), event(body=None), Put),
    ("column a list", key(), event(body=["B"]), Reason.COLUMN_NOT_TEXT),
    ("column an object", key(), event(body={"en": "B"}), Reason.COLUMN_NOT_TEXT),
    # values the database did not send
    ("placeholder", key(), event("u", body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("with before", key(), event("u", {"body": "B"}, body=PLACEHOLDER), Put),
    ("before without it", key(), event("u", {"id": 1}, body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("before null", key(), event("u", {"body": None}, body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("before empty", key(), event("u", {"body": ""}, body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("before the same", key(), event("u", {"body": PLACEHOLDER}, body=PLACEHOLDER),
     Reason.UNAVAILABLE_VALUE),
    ("in metadata", key(), event("u", note=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("in an array", key(), event("u", tags=[PLACEHOLDER]), Reason.UNAVAILABLE_VALUE),
    ("in an array, with before", key(), event("u", {"tags": ["a"]}, tags=[PLACEHOLDER]), Put),
    ("in an integer array", key(), event("u", tags=list(PLACEHOLDER.encode())),
     Reason.UNAVAILABLE_VALUE),
    ("in bytes", key(), event("u", note="X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="),
     Reason.UNAVAILABLE_VALUE),
    ("in a map", key(), event("u", note={PLACEHOLDER: PLACEHOLDER}), Reason.UNAVAILABLE_VALUE),
    ("in a column unused", key(), event("u", unused=PLACEHOLDER), Put),
    ("inside a text", key(), event("u", body=f"Debezium writes {PLACEHOLDER}."), Put),
    # metadata
    ("decimal", key(), event(note="79228162514264337593543950335.01"), Put),
    ("decimal as bytes", key(), event(note="SZYC0g=="), Put),
    ("date beyond 9999", key(), event(note="+12025-01-01T00:00:00Z"), Put),
    ("date in days, beyond 9999", key(), event(note=3_652_425), Put),
    ("date in microseconds, infinite", key(), event(note=2**63 - 1), Put),
    ("time of the change beyond 64 bits", key(), event(source={**LSN, "ts_ms": 2**63}), Put),
    ("metadata over the limit", key(), event(note="x" * 60_001), Reason.METADATA_TOO_LARGE),
    ("metadata of 5 MB", key(), event(note=["x"] * 1_000_000), Reason.METADATA_TOO_LARGE),
    ("metadata of 64 levels", key(), spelled(deep(64)), Put),
    ("metadata of 65 levels", key(), spelled(deep(65)), Reason.METADATA_TOO_LARGE),
    # records of `documents`: what a lane makes of them
    ("documents: good", lane(b"a/1", document()), Put),
    ("documents: with a field of a later version", lane(b"a/1", document(mood="good")), Put),
    ("documents: tombstone before any create", lane(b"a/1", None), Remove),
    ("documents: unknown schema_version", lane(b"a/1", document(schema_version=2)),
     Reason.UNKNOWN_SCHEMA_VERSION),
    ("documents: schema_version 0", lane(b"a/1", document(schema_version=0)),
     Reason.UNKNOWN_SCHEMA_VERSION),
    ("documents: schema_version null", lane(b"a/1", document(schema_version=None)),
     Reason.NOT_A_DOCUMENT),
    ("documents: nothing but its version", lane(b"a/1", other(schema_version=99)),
     Reason.NOT_A_DOCUMENT),
    ("documents: not JSON", lane(b"a/1", b"not JSON"), Reason.NOT_A_DOCUMENT),
    ("documents: nothing at all", lane(b"a/1", b""), Reason.NOT_A_DOCUMENT),
    ("documents: nested 10,000 deep", lane(b"a/1", deep(10_000).encode()), Reason.NOT_A_DOCUMENT),
    ("documents: text empty", lane(b"a/1", document(text="")), Reason.NOT_A_DOCUMENT),
    ("documents: hash no hash", lane(b"a/1", document(content_hash="x")), Reason.NOT_A_DOCUMENT),
    ("documents: another key", lane(b"a/2", document()), Reason.KEY_MISMATCH),
    ("documents: null key", lane(None, document()), Reason.NULL_KEY),
    ("documents: empty key", lane(b"", document()), Reason.NOT_A_DOCUMENT),
    ("documents: key not ASCII", lane(b"\xff", None), Reason.NOT_A_DOCUMENT),
    ('documents: key with " or 1==1', lane(b'a/1" or 1==1', None), Reason.NOT_A_DOCUMENT),
    ("documents: key of 10 kB", lane(b"a/" + b"1" * 10_000, None), Reason.NOT_A_DOCUMENT),
    # configuration: what of a valid file becomes what; the setting named, and what is said
    ("an unknown section", changed("[kafka]", "[kafkaa]"), refused("kafkaa", "did you mean kafka?")),
    ("an unknown key", changed("hosts = [", "hots = ["), refused("lanes.ollama.hots", "did you mean hosts?")),
    ("an unknown key far from any other", changed(KAFKA, "zzz = 1"), refused("kafka.zzz", "known here: bootstrap, group_prefix")),
    ("a key of another section", changed(KAFKA, 'uri = "http://h:1"'), refused("kafka.uri", "did you mean milvus.uri?")),
    ("a key of the other provider", changed("dimensions = 8", 'dimensions = 8\nkeep_alive = "1m"'), refused("lanes.cloud.keep_alive", "did you mean lanes.NAME.keep_alive (provider 'ollama')?")),
    ("an unknown key in a source", changed('key = ["id"]', 'kee = ["id"]'), refused("sources[0].kee", "did you mean key?")),
    ("an unknown key in a secret", changed('env = "CLOUD_KEY"', 'evn = "CLOUD_KEY"'), refused("lanes.cloud.api_key.evn", "did you mean env?")),
    ("an unknown nested key", changed(KAFKA, "topics.control_ = 'c'"), refused("kafka.topics.control_", "did you mean control?")),
    ("a key that pydantic itself would take", changed("[kafka]", "_env_file = 'x'\n[kafka]"), refused("_env_file", "is not a setting")),
    ("an unknown variable", changed("", "", {"HOTSWAP__KAFAK__BOOTSTRAP": "h:1"}), refused("HOTSWAP__KAFAK__BOOTSTRAP", "did you mean kafka?")),
    ("an unknown nested variable", changed("", "", {"HOTSWAP__KAFKA__BOOTSTRP": "h:1"}), refused("kafka.bootstrp", "environment variable HOTSWAP__KAFKA__BOOTSTRP); did you mean bootstrap?")),
    ("a variable that makes a lane", changed("", "", {"HOTSWAP__LANES__OLAMA__MODEL": "m"}), refused("lanes.olama.provider", "is missing (environment variable HOTSWAP__LANES__OLAMA__MODEL")),
    ("a variable without the JSON it needs", changed("", "", {"HOTSWAP__SOURCES": "articles"}), refused("sources", "HOTSWAP__SOURCES does not hold the JSON it needs")),
    ("a bad value in a variable", changed("", "", {"HOTSWAP__LIMITS__RECORD_BYTES": "many"}), refused("limits.record_bytes", "environment variable HOTSWAP__LIMITS__RECORD_BYTES")),
    ("an empty variable", changed("", "", {"HOTSWAP__KAFKA__BOOTSTRAP": ""}), refused("kafka.bootstrap", "'' is not HOST:PORT")),
    ("not TOML", changed(KAFKA, "bootstrap = 127.0.0.1"), refused("hotswap.toml", "at line 2")),
    ("the same key twice", changed(KAFKA, f"{KAFKA}\n{KAFKA}"), refused("hotswap.toml", "at line 3")),
    ("a section that is a number", changed("[kafka]\n" + KAFKA, "kafka = 3"), refused("kafka", "must be a table")),
    ("bootstrap without a port", changed("127.0.0.1:9092", "localhost"), refused("kafka.bootstrap", "'localhost' is not HOST:PORT")),
    ("bootstrap that is a URL", changed("127.0.0.1:9092", "kafka://h:9092"), refused("kafka.bootstrap", "is a URL")),
    ("bootstrap with one bad server", changed("127.0.0.1:9092", "h:9092,h:x"), refused("kafka.bootstrap", "'h:x' is not HOST:PORT")),
    ("bootstrap with a bare IPv6 address", changed("127.0.0.1:9092", "::1:9092"), refused("kafka.bootstrap", "[brackets]")),
    ("bootstrap beyond the last port", changed("127.0.0.1:9092", "h:70000"), refused("kafka.bootstrap", "is not HOST:PORT")),
    ("an Ollama host without a scheme", changed("http://127.0.0.1:11434", "127.0.0.1:11434"), refused("lanes.ollama.hosts[0]", "must start with http:// or https://")),
    ("an Ollama host of another scheme", changed("http://127.0.0.1:11434", "ftp://h"), refused("lanes.ollama.hosts[0]", "must start with http:// or https://")),
    ("no Ollama host", changed('hosts = ["http://127.0.0.1:11434"]', "hosts = []"), refused("lanes.ollama.hosts", "at least 1 item")),
    ("a URL without a host", changed("http://127.0.0.1:19530", "http://"), refused("milvus.uri", "names no host")),
    ("a URL whose port is no number", changed("http://127.0.0.1:19530", "http://h:x"), refused("milvus.uri", "is no URL")),
    ("a URL with white space", changed("http://127.0.0.1:19530", "http://h :1"), refused("milvus.uri", "white space")),
    ("a URL with a query", changed("http://127.0.0.1:19530", "http://h:1?a=b"), refused("milvus.uri", "must end before '?'")),
    ("a file name for Milvus", changed("http://127.0.0.1:19530", "./milvus.db"), refused("milvus.uri", "must start with http://")),
    ("a password in a URL", changed("http://127.0.0.1:19530", "http://root:hunter2@h:1"), refused("milvus.uri", "holds a user name or password")),
    ("a secret in plain text", changed('{ env = "CLOUD_KEY" }', '"hunter2"'), refused("lanes.cloud.api_key", "a secret does not belong in this file")),
    ("a secret of two places", changed('{ env = "CLOUD_KEY" }', '{ env = "A", file = "b" }'), refused("lanes.cloud.api_key", "exactly one")),
    ("a secret of no place", changed('{ env = "CLOUD_KEY" }', "{}"), refused("lanes.cloud.api_key", "exactly one")),
    ("a secret in plain text for Debezium", changed('"database.hostname" = "127.0.0.1"', '"database.password" = "hunter2"'), refused("connect.config", "write it under [connect.secrets]")),
    ("a secret left out", changed('api_key = { env = "CLOUD_KEY" }', ""), refused("lanes.cloud.api_key", "is missing")),
    ("a secret whose variable is not set", changed("", ""), refused("lanes.cloud.api_key", "environment variable CLOUD_KEY is not set")),
    ("a secret whose variable is blank", changed("", "", {"CLOUD_KEY": " \t"}), refused("lanes.cloud.api_key", "environment variable CLOUD_KEY is not set")),
    ("a secret whose file is not there", changed('env = "CLOUD_KEY"', 'file = "no/such/file"'), refused("lanes.cloud.api_key", "no/such/file can not be read")),
    ("no sources", changed("", "", {"HOTSWAP__SOURCES": "[]"}), refused("sources", "at least 1 item")),
    ("two sources with one name", changed("[lanes.cloud]", SOURCE.format("articles", "cdc.public.b") + "[lanes.cloud]"), refused("sources", "two sources with the name 'articles'")),
    ("two sources with one topic", changed("[lanes.cloud]", SOURCE.format("b", "cdc.public.articles") + "[lanes.cloud]"), refused("sources", "two sources with the topic")),
    ("a source with a name that is unsafe", changed('"articles"', '"Articles/1"'), refused("sources[0].name", "lower-case letters")),
    ("a source that reads Hotswap's own topic", changed("cdc.public.articles", "documents"), refused("hotswap.toml", "reads Hotswap's own 'documents'")),
    ("a source whose topic is no topic", changed("cdc.public.articles", "cdc/articles"), refused("sources[0].topic", "is no topic name")),
    ("a source without a key", changed('key = ["id"]', "key = []"), refused("sources[0].key", "at least 1 item")),
    ("a source with a key column twice", changed('key = ["id"]', 'key = ["id", "id"]'), refused("sources[0].key", "twice")),
    ("a source without a template", changed('text = "{title}"', ""), refused("sources[0].text", "is missing")),
    ("a template that names no column", changed('"{title}"', '"title"'), refused("sources[0].text", "names no column")),
    ("a template that is not closed", changed('"{title}"', '"{title"'), refused("sources[0].text", "is not a template")),
    ("a template that looks into an object", changed('"{title}"', '"{title.__class__}"'), refused("sources[0].text", "plain {column} only")),
    ("a template with an empty field", changed('"{title}"', '"{}"'), refused("sources[0].text", "plain {column} only")),
    ("a lane with a name that is unsafe", changed("[lanes.ollama]", "[lanes.Ollama-1]"), refused("lanes.Ollama-1", "lower-case letters")),
    ("a lane without a provider", changed('provider = "ollama"', ""), refused("lanes.ollama.provider", "is missing")),
    ("a lane of an unknown provider", changed('provider = "ollama"', 'provider = "olama"'), refused("lanes.ollama.provider", "did you mean 'ollama'?")),
    ("dimensions below one", changed("dimensions = 8", "dimensions = 0"), refused("lanes.cloud.dimensions", "greater than 0")),
    ("dimensions that are no number", changed("dimensions = 8", 'dimensions = "many"'), refused("lanes.cloud.dimensions", "valid integer")),
    ("dimensions unlike the live collection's", changed("dimensions = 8", "dimensions = 16"), told("dimensions was 8, is 16")),
    ("a live collection of other dimensions", holds(dimensions=16), stopped("dimensions: expected 8, found 16")),
    ("a lane template without the text", changed('model = "minilm"', 'model = "m"\nquery_template = "query:"'), refused("lanes.ollama.query_template", "exactly once")),
    ("keep_alive without a unit", changed('model = "minilm"', 'model = "m"\nkeep_alive = "30"'), refused("lanes.ollama.keep_alive", "match pattern")),
    ("an unknown security protocol", changed(KAFKA, 'security_protocol = "TLS"'), refused("kafka.security_protocol", "'SASL_SSL'")),
    ("SASL without a password", changed(KAFKA, 'security_protocol = "SASL_SSL"'), refused("kafka", "asks for SASL")),
    ("a SASL user on a plain connection", changed(KAFKA, 'sasl_username = "me"'), refused("kafka", "have no effect")),
    ("a client certificate without its key", changed(KAFKA, 'security_protocol = "SSL"\nssl_certfile = "c"'), refused("kafka", "go together")),
    ("TLS files on a plain connection", changed(KAFKA, 'ssl_cafile = "c"'), refused("kafka", "have no effect")),
    ("a CA file for plain Milvus", changed("[milvus]", "[milvus]\nca_file = 'ca.pem'"), refused("milvus", "https://")),
    ("two own topics with one name", changed("[kafka]", "[kafka]\ntopics.control = 'documents'"), refused("kafka.topics", "same name")),
    ("a Debezium setting that is a list", changed('"database.hostname" = "127.0.0.1"', '"a" = [1]'), refused("connect.config.a", "valid string")),
    ("a Debezium setting twice", changed("[connect.config]", '[connect.secrets]\n"database.hostname" = { env = "H" }\n[connect.config]'), refused("connect", "stands in both")),
    ("a Connect user without a password", changed("[connect.config]", '[connect]\nusername = "me"\n[connect.config]'), refused("connect", "go together")),
    # records of the control log, in stage dualwrite: what the fold says
    ("control: nothing at all", b"", says(Rejection.UNREADABLE, "Invalid JSON")),
    ("control: a tombstone", None, says(Rejection.UNREADABLE, "Invalid JSON")),
    ("control: not JSON", b"stage live", says(Rejection.UNREADABLE, "Invalid JSON")),
    ("control: not an object", b"[]", says(Rejection.UNREADABLE, "should be an object")),
    ("control: not UTF-8", order(by="HERE").replace(b"HERE", b"\xe9"), says(Rejection.UNREADABLE, "Invalid JSON")),
    ("control: byte order mark", b"\xef\xbb\xbf" + order(), says(Rejection.UNREADABLE, "Invalid JSON")),
    ("control: half a surrogate pair", order(id="HERE").replace(b"HERE", b"\\ud800"), says(Rejection.UNREADABLE, "Invalid JSON")),
    ("control: of 10 MB", order(reason="x" * 10_000_000), says(Rejection.TOO_LARGE, "10,000,078 bytes; at most 262,144")),
    ("control: a reason of 5 kB", order(reason="x" * 5_000), says(Rejection.UNREADABLE, "reason: String should have at most 4000")),
    ("control: nested 100,000 deep", b'{"kind":' + deep(100_000).encode() + b"}", says(Rejection.UNREADABLE, "recursion limit")),
    ("control: unknown kind", order(kind="lunch"), says(Rejection.UNREADABLE, "kind 'lunch' is not known: there are stage, ramp, rollback, flag,")),
    ("control: misspelt kind", order(kind="rollbak"), says(Rejection.UNREADABLE, "did you mean rollback?")),
    ("control: kind of 100 kB", order(kind="x" * 100_000), says(Rejection.UNREADABLE, "kind 'xxxxx")),
    ("control: kind a list", order(kind=["stage"]), says(Rejection.UNREADABLE, "kind ")),
    ("control: no kind", order(kind=...), says(Rejection.UNREADABLE, "kind: Field required")),
    ("control: no id", order(id=...), says(Rejection.UNREADABLE, "id: Field required")),
    ("control: empty id", order(id=""), says(Rejection.UNREADABLE, "id: String should have at least 1")),
    ("control: id a number", order(id=7), says(Rejection.UNREADABLE, "id: Input should be a valid string")),
    ("control: nobody gives it", order(by=...), says(Rejection.UNREADABLE, "by: Field required")),
    ("control: same id twice", order(id="id-0"), says(Rejection.DUPLICATE, "came before")),
    ("control: unknown field", order(too="live"), says(Rejection.UNREADABLE, "too: Extra inputs are not permitted")),
    ("control: unknown schema_version", order(schema_version=2), says(Rejection.UNREADABLE, "schema_version 2 is not known")),
    ("control: schema_version as text", order(schema_version="1"), says(Rejection.UNREADABLE, "schema_version: ")),
    ("control: unknown stage", order(to="alive"), says(Rejection.UNREADABLE, "to: Input should be 'off', 'dualwrite', 'shadow', 'live', 'rampdown' or 'complete'")),
    ("control: stage in capitals", order(to="LIVE"), says(Rejection.UNREADABLE, "to: Input should be 'off'")),
    ("control: stage skipping", order(to="live"), says(Rejection.FORBIDDEN, "one stage at a time: shadow is next")),
    ("control: stage skipping by force", order(to="complete", force=True, reason="now"), says(Rejection.FORBIDDEN, "one stage at a time")),
    ("control: rollback forward", order(kind="rollback", to="live"), says(Rejection.UNREADABLE, "to: Input should be")),
    ("control: no evidence", order(), says(Held, "was never verified clean")),
    ("control: force without a reason", order(force=True), says(Rejection.NO_REASON, "force needs a reason")),
    ("control: force with a blank reason", order(force=True, reason=" \t"), says(Rejection.NO_REASON, "force needs a reason")),
    ("control: force as text", order(force="true", reason="r"), says(Rejection.UNREADABLE, "force: Input should be a valid boolean")),
    ("control: stale expected_version", order(expected_version=2), says(Rejection.STALE, "meant for version 2, but the state has got to 4")),
    ("control: expected_version of tomorrow", order(expected_version=5), says(Rejection.STALE, "meant for version 5")),
    ("control: expected_version of 4,000 digits", order(expected_version=10**4_000), says(Rejection.UNREADABLE, "expected_version: ")),
    ("control: expired", order(expires_at=1_799_999_999_000), says(Rejection.EXPIRED, "expired 1.0 s before it came")),
    ("control: expired, as a date", order(expires_at="2026-11-23T00:00:00Z"), says(Rejection.EXPIRED, "before it came")),
    ("control: expires in seconds", order(expires_at=1_800_000_060), says(Rejection.EXPIRED, "before it came")),
    ("control: expires on a date without an offset", order(expires_at="2036-11-23T00:00:00"), says(Rejection.UNREADABLE, "expires_at: lacks its offset from UTC")),
    ("control: expires some day", order(expires_at="tomorrow"), says(Rejection.UNREADABLE, "expires_at: is neither milliseconds since the epoch nor ISO 8601")),
    ("control: expired 10**400 ms ago", order(expires_at=-(10**400)), says(Rejection.UNREADABLE, "expires_at: ")),
    ("control: percent 101", order(kind="ramp", to=..., percent=101), says(Rejection.UNREADABLE, "percent: Input should be less than or equal to 100")),
    ("control: percent -1", order(kind="ramp", to=..., percent=-1), says(Rejection.UNREADABLE, "percent: Input should be greater than or equal to 0")),
    ('control: percent "50"', order(kind="ramp", to=..., percent="50"), says(Rejection.UNREADABLE, "percent: Input should be a valid number")),
    ("control: percent NaN", order(kind="ramp", to=..., percent=float("nan")), says(Rejection.UNREADABLE, "percent: Input should be a finite number")),
    ("control: percent 1e400", order(kind="ramp", to=..., percent=0).replace(b": 0", b": 1e400"), says(Rejection.UNREADABLE, "percent: ")),
    ("control: percent true", order(kind="ramp", to=..., percent=True), says(Rejection.UNREADABLE, "percent: Input should be a valid number")),
    ("control: a ramp of nothing", order(kind="ramp", to=...), says(Rejection.UNREADABLE, "names neither percent nor cohorts")),
    ("control: a ramp before live", order(kind="ramp", to=..., percent=5), says(Rejection.FORBIDDEN, "only in stage live")),
    ("control: flag 101", order(kind="flag", to=..., value=101), says(Rejection.UNREADABLE, "value: is neither true nor false, nor a percentage from 0 to 100")),
    ("control: flag -1", order(kind="flag", to=..., value=-1), says(Rejection.UNREADABLE, "value: is neither true nor false")),
    ('control: flag "50"', order(kind="flag", to=..., value="50"), says(Rejection.UNREADABLE, "value: is neither true nor false")),
    ("control: flag NaN", order(kind="flag", to=..., value=float("nan")), says(Rejection.UNREADABLE, "value: is neither true nor false")),
    ("control: flag null", order(kind="flag", to=..., value=None), says(Rejection.UNREADABLE, "value: is neither true nor false")),
    ("control: flag of 4,000 digits", order(kind="flag", to=..., value=10**4_000), says(Rejection.UNREADABLE, "value: is neither true nor false")),
    ("control: another flag", order(kind="flag", to=..., name="useCloud", value=True), says(Rejection.UNREADABLE, "name: Input should be 'useLocalEmbeddings'")),
    ("control: flag false, reads on the source", order(kind="flag", to=..., value=False), says(Unchanged, "all reads are on the source lane")),
    ("control: pause of an unknown lane", order(kind="pause", to=..., lane="olama"), says(Rejection.UNKNOWN_LANE, "there is no lane olama; there are: cloud, ollama")),
    ("control: throttle 0", order(kind="throttle", to=..., lane="cloud", documents_per_second=0), says(Rejection.UNREADABLE, "documents_per_second: Input should be greater than 0")),
    ("control: throttle without a rate", order(kind="throttle", to=..., lane="cloud"), says(Rejection.UNREADABLE, "documents_per_second: Field required")),
    ("control: build without an action", order(kind="build", to=..., lane="cloud"), says(Rejection.UNREADABLE, "action: Field required")),
    ("control: build with an unknown action", order(kind="build", to=..., action="begin"), says(Rejection.UNREADABLE, "action 'begin' is not known: there are start, promote, drop")),
    ("control: build of nothing", order(kind="build", to=..., action="start", lane="cloud"), says(Rejection.UNREADABLE, "build: Field required")),
    ("control: promote of an unknown build", order(kind="build", to=..., action="promote", lane="cloud", build=7), says(Rejection.FORBIDDEN, "lane cloud has no build 7")),
    ("control: retire before complete", order(kind="retire", to=..., lane="cloud"), says(Rejection.FORBIDDEN, "only in stage complete")),
    ("control: autopilot with a plan that falls", order(kind="autopilot", to=..., on=True, plan=[10, 5]), says(Rejection.UNREADABLE, "plan does not rise")),
    ("control: migration from a lane to itself", order(kind="migration", to=..., source="cloud", target="cloud", salt="s"), says(Rejection.UNREADABLE, "the same lane")),
    ("control: migration in the middle of another", order(kind="migration", to=..., source="ollama", target="cloud", salt="s"), says(Rejection.FORBIDDEN, "go back to off first")),
    ("control: verify that knows later records", order(kind="verify", to=..., lane="ollama", build=1, verdict="clean", documents=1, rows=1, as_of=99), says(Rejection.FORBIDDEN, "knows of records that came after it")),
    ("control: verify of an unknown build", order(kind="verify", to=..., lane="ollama", build=2, verdict="clean", documents=1, rows=1, as_of=0), says(Rejection.FORBIDDEN, "lane ollama has no build 2")),
    ("control: verify with another verdict", order(kind="verify", to=..., lane="ollama", build=1, verdict="fine", documents=1, rows=1, as_of=0), says(Rejection.UNREADABLE, "verdict: Input should be 'clean', 'different' or 'inconclusive'")),
    ("control: gate without as_of", order(kind="gate", to=..., verdict="successful"), says(Rejection.UNREADABLE, "as_of: Field required")),
    ("control: health with a field of a later version", order(kind="health", to=..., verdict="healthy", samples=1, as_of=0, mood="good"), says(Accepted, "health: healthy")),
    ("control: the last of two names counts", order().replace(b'"to":', b'"to": "live", "to":'), says(Held, "was never verified clean")),
    ("control: wrong signature, no key asked for", order(signature="0" * 64), says(Held, "was never verified clean")),
    ("control: not signed, a key asked for", "signed", order(), says(Rejection.SIGNATURE, "is not signed")),
    ("control: wrong signature", "signed", order(signature="0" * 64), says(Rejection.SIGNATURE, "its signature is not valid")),
    ("control: signature no text", "signed", order(signature=1), says(Rejection.UNREADABLE, "signature: ")),
    ("control: signature not ASCII", "signed", order(signature="é" * 64), says(Rejection.SIGNATURE, "its signature is not valid")),
    ("control: signed with another key", "signed", sign(order(), b"x" * 16), says(Rejection.SIGNATURE, "its signature is not valid")),
    ("control: signed and altered", "signed", sign(order(), b"k" * 16).replace(b"shadow", b"off"), says(Rejection.SIGNATURE, "its signature is not valid")),
    ("control: signed and expired", "signed", sign(order(expires_at=1), b"k" * 16), says(Rejection.EXPIRED, "before it came")),
]  # fmt: skip

COMPOSITE = [
    ("joiner in the first", key(word="a|b", number="c"), "articles/a%7Cb|c"),
    ("joiner in the second", key(word="a", number="b|c"), "articles/a|b%7Cc"),
    ("slash", key(word="a/b", number=1), "articles/a%2Fb|1"),
    ("escape", key(word="%7C", number=1), "articles/%257C|1"),
    ("in another order", key(number=1, word="a"), "articles/a|1"),
    ("both empty", key(word="", number=""), "articles/|"),
]


@pytest.mark.parametrize(
    ("given", "becomes"), [(c[1:-1], c[-1]) for c in CASES], ids=[c[0] for c in CASES]
)
async def test_bad_input_has_a_known_outcome(given, becomes, tmp_path, monkeypatch):
    if isinstance(becomes, says):
        _is_judged(given[-1], becomes, Log([b"k" * 16]) if len(given) > 1 else walked("dualwrite"))
    elif isinstance(becomes, refused):
        _is_refused(given[0], becomes, tmp_path / "hotswap.toml", monkeypatch)
    elif isinstance(becomes, told):
        _is_told(given[0], becomes, tmp_path / "hotswap.toml")
    elif isinstance(becomes, stopped):
        await _is_stopped(given[0], becomes, tmp_path / "hotswap.toml")
    elif isinstance(given[0], lane):
        await _is_sorted_out_by_a_lane(given[0], becomes)
    else:
        _is_sorted_out(given[0], given[1], becomes)
        await _is_sorted_out_by_a_normaliser(given[0], given[1], becomes)


def _is_sorted_out(key, value, expected):
    outcome = normalise(key, value, ARTICLES, LIMITS)
    if isinstance(expected, Reason):
        assert isinstance(outcome, Rejected), outcome
        assert outcome.reason is expected, outcome
        assert 0 < len(outcome.detail) < 300
    else:
        assert type(outcome) is expected, outcome
    if isinstance(outcome, Put):
        _is_safe(outcome.document)


async def _is_sorted_out_by_a_normaliser(key, value, expected):
    log = MemoryLog()
    normaliser = await normaliser_world.make(log, source=ARTICLES, limits=LIMITS)
    good = LogRecord(CDC, 0, 8, b'{"id":"next"}', event(source={**LSN, "lsn": 6}))
    await normaliser.process([LogRecord(CDC, 0, 7, key, value), good], owned)
    letters = await normaliser_world.letters(log)
    reasons = [expected] if isinstance(expected, Reason) else []
    assert [letter.reason for letter in letters] == reasons
    assert all((letter.topic, letter.offset) == (CDC, 7) for letter in letters)
    documents = await normaliser_world.documents(log)
    assert documents.pop("articles/next") == "T\n\nB"
    kept = {Put: [True], Remove: [False]}.get(expected, [])
    assert [text is not None for text in documents.values()] == kept


async def _is_sorted_out_by_a_lane(given, expected):
    world = await lane_world.World().start()
    record = LogRecord("documents", 0, next(world.offsets), given.key, given.value)
    await world.process(record, world.record("a/next", "good"))
    letters = await world.letters()
    reasons = [expected] if isinstance(expected, Reason) else []
    assert [letter.reason for letter in letters] == reasons
    assert set(await world.ids()) == {"a/next", *(["a/1"] if expected is Put else [])}


def _is_judged(value, expected, log):
    before = log.state
    verdict = log.append(value).verdict
    if isinstance(expected.verdict, Rejection):
        assert isinstance(verdict, NotObeyed), verdict
        assert verdict.rejection is expected.verdict, verdict
    else:
        assert type(verdict) is expected.verdict, verdict
    said = verdict.effect if isinstance(verdict, Accepted) else verdict.why
    assert expected.why in said
    assert len(said) <= 300
    if not isinstance(verdict, Accepted):
        assert log.state == before
    good = order(kind="truncate", to=..., id="good", source="s", position="1")
    assert isinstance(log.append(sign(good, b"k" * 16)).verdict, Accepted)


def _is_refused(change, expected, file, monkeypatch):
    for name in [name for name in os.environ if name.upper().startswith("HOTSWAP")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("CLOUD_KEY", raising=False)
    _write(change, file)
    for name, value in change.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        open_embedder(load(file), "cloud")
    refusal = caught.value
    assert expected.setting in {refusal.setting, refusal.setting.rpartition("/")[2]}, str(refusal)
    assert expected.problem in refusal.problem
    error: BaseException | None = refusal
    while error is not None:
        assert HIDDEN not in str(error)
        error = error.__cause__


def _is_told(change, expected, file):
    _write(change, file)
    config = load(file).lanes["cloud"]
    assert expected.difference in changed_in_words("cloud", asked_otherwise(config, [LIVE]))
    assert asked_otherwise(pinned(config, "cloud", LIVE.fingerprint), [LIVE]) == {}


async def _is_stopped(given, expected, file):
    file.write_text(BASE, encoding="utf-8")
    log, store = MemoryLog(), MemoryStore()
    await store.create(LIVE.collection, LIVE.fingerprint.model_copy(update=vars(given)))
    with pytest.raises(DriftError) as caught:
        await embed_role(
            load(file),
            "cloud",
            Follower(log, "control"),
            log=log,
            store=store,
            embedder=MemoryEmbedder(LIVE.fingerprint.dimensions),
            build=LIVE,
        )
    assert caught.value.subject == f"collection {LIVE.collection}"
    assert expected.difference in str(caught.value)


def _write(change, file):
    assert change.old in BASE
    file.write_text(BASE.replace(change.old, change.new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "expected"), [c[1:] for c in COMPOSITE], ids=[c[0] for c in COMPOSITE]
)
def test_parts_of_a_composite_key_never_run_together(key, expected):
    outcome = normalise(key, GOOD, PAIRS, LIMITS)
    assert isinstance(outcome, Put)
    assert outcome.document.id == expected


def test_a_case_has_one_name():
    names = [name for name, *_ in CASES]
    assert sorted(names) == sorted(set(names))


def _is_safe(document: Document) -> None:
    assert Document.decode(document.encode()) == document
    assert re.fullmatch(r"[A-Za-z0-9._:%/|-]+", document.id)
    assert parse_document_id(document.id)[0] == "articles"
    assert 0 < len(document.text.encode()) <= LIMITS.text_budget_bytes
    assert "\0" not in document.text
    assert document.text != PLACEHOLDER
    assert f'"{PLACEHOLDER}"'.encode() not in document.encode()
