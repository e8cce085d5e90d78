"""What the benches work on is what Hotswap works on."""

import json

import orjson
import pytest

from streams.bench.envelopes import changes
from streams.bench.normalise import document_by_hand
from streams.bench.texts import BUDGET_BYTES, SOURCE, document_records, documents
from streams.core.normalisation import Limits, Put, normalise
from streams.core.source import Source, Template

pytestmark = pytest.mark.slow  # reads the standard library's docstrings
ARTICLES = Source(SOURCE, ("id",), Template.parse("{title}\n\n{body}"), ("title", "module", "kind"))
LIMITS = Limits(BUDGET_BYTES, metadata_bytes=60_000, record_bytes=900_000)


def record_of(key: bytes | None, value: bytes | None) -> tuple[bytes, bytes]:
    outcome = normalise(key, value, ARTICLES, LIMITS)
    assert isinstance(outcome, Put)
    return outcome.document.id.encode(), outcome.document.encode()


def shape(value: object) -> object:
    """Names and kinds, without the values."""
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    return type(value).__name__


def test_all_texts_differ_however_many_are_asked_for():
    found = documents(2_300)
    assert len({document.content_hash for document in found}) == 2_300
    assert len({document.id for document in found}) == 2_300


def test_texts_keep_to_the_budget_of_an_ollama_lane():
    assert max(len(document.text.encode()) for document in documents(1_000)) <= BUDGET_BYTES


@pytest.mark.parametrize("schema", [False, True])
def test_the_changes_normalise_to_the_documents(schema):
    made = document_records("documents", documents(1_100))
    found = [record_of(each.key, each.value) for each in changes("c", 1_100, schema=schema)]
    assert found == [(each.key, each.value) for each in made]


@pytest.mark.parametrize("schema", [False, True])
def test_the_loop_by_hand_makes_the_same_records(schema):
    for change in changes("c", 300, schema=schema):
        assert change.key is not None
        assert change.value is not None
        assert document_by_hand(change.key, change.value) == record_of(change.key, change.value)


def test_the_loop_by_hand_makes_the_same_records_of_abstracts(fixtures):
    (change,) = changes("c", 1, schema=False)
    event = orjson.loads(change.value or b"")
    abstracts = json.loads((fixtures / "cranfield" / "documents.json").read_text())
    short = [each for each in abstracts if len(each["title"] + each["body"]) < BUDGET_BYTES - 2]
    assert len(short) > 200
    for abstract in short:
        event["after"] |= abstract
        key, value = orjson.dumps({"id": abstract["id"]}), orjson.dumps(event)
        assert document_by_hand(key, value) == record_of(key, value)


def test_an_event_has_the_shape_that_the_connector_gives_it(fixtures):
    recorded = json.loads((fixtures / "envelopes" / "postgres" / "create.json").read_text())
    (change,) = changes("c", 1, schema=False)
    found = orjson.loads(change.value or b"")
    del found["after"], recorded["value"]["after"]  # another table's columns
    assert shape(found) == shape(recorded["value"])


def test_a_schema_is_the_one_that_the_connector_writes(fixtures):
    path = fixtures / "envelopes" / "postgres" / "create_with_schema.json"
    recorded = json.loads(path.read_text())
    (change,) = changes("c", 1, schema=True)
    key, value = orjson.loads(change.key or b""), orjson.loads(change.value or b"")
    assert key["schema"] == recorded["key"]["schema"]
    for envelope in (value, recorded["value"]):
        for row in envelope["schema"]["fields"][:2]:
            del row["fields"]  # another table's columns
    assert value["schema"] == recorded["value"]["schema"]
