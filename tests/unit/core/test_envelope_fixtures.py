"""Every envelope under `tests/fixtures/envelopes/<connector>/<name>.json`.

A fixture is `{"key": …, "value": …, "expect": …}`. Key and value are null, a string with the
record's raw JSON text, or the JSON itself. `expect` names the outcome and the fields that
matter; without it, the envelope must at least be understood. `source.toml` beside the
fixtures says how their source is configured.
"""

import json
import tomllib
from pathlib import Path

import pytest

from schemas import Document
from streams.core.normalisation import Limits, Put, Rejected, normalise
from streams.core.source import Source, Template

ENVELOPES = Path(__file__).parents[2] / "fixtures" / "envelopes"
FIXTURES = sorted(ENVELOPES.glob("*/*.json"))
LIMITS = Limits(text_budget_bytes=1_200, metadata_bytes=60_000, record_bytes=900_000)


def source_of(folder: Path) -> Source:
    settings = tomllib.loads((folder / "source.toml").read_text(encoding="utf-8"))
    return Source(
        settings["name"],
        tuple(settings["key"]),
        Template.parse(settings["text"]),
        tuple(settings["metadata"]),
    )


def raw(part) -> bytes | None:
    if part is None:
        return None
    return (part if isinstance(part, str) else json.dumps(part)).encode()


def fields_of(outcome) -> dict:
    if isinstance(outcome, Put):
        return outcome.document.model_dump(mode="json")
    return {name: getattr(outcome, name) for name in outcome.__slots__}


def test_there_are_envelopes_of_every_connector():
    found = {path.parent.name for path in FIXTURES}
    assert found >= {"postgres", "mysql", "sqlserver", "mongodb"}


@pytest.mark.parametrize(
    "path", FIXTURES, ids=lambda path: str(path.relative_to(ENVELOPES).with_suffix(""))
)
def test_an_envelope_has_the_expected_outcome(path):
    fixture = json.loads(path.read_text(encoding="utf-8"))
    outcome = normalise(raw(fixture["key"]), raw(fixture["value"]), source_of(path.parent), LIMITS)
    expected = fixture.get("expect")
    if expected is None:
        assert not isinstance(outcome, Rejected), outcome
        return
    assert type(outcome).__name__ == expected.pop("outcome"), outcome
    fields = fields_of(outcome)
    assert {name: fields[name] for name in expected} == expected


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_document_of_an_envelope_survives_its_encoding(path):
    fixture = json.loads(path.read_text(encoding="utf-8"))
    outcome = normalise(raw(fixture["key"]), raw(fixture["value"]), source_of(path.parent), LIMITS)
    if isinstance(outcome, Put):
        assert Document.decode(outcome.document.encode()) == outcome.document
