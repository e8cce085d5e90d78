import json

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError

from schemas import BuildStarted, DeadLetter, Document, Fingerprint, Reason
from schemas.asyncapi import all_records
from schemas.generate import FOLDER, differences, generated, main

FILES = generated()
JSON_SCHEMAS = sorted(name for name in FILES if name.endswith(".json"))
ASYNCAPI = yaml.safe_load(FILES["asyncapi.yaml"])

DOCUMENT = Document(
    id="s/1", source="s", key={"id": 1}, text="T", content_hash="0" * 32, position="1"
)
BUILD = BuildStarted(
    id="1",
    by="b",
    lane="cloud",
    build=1,
    collection="documents_cloud",
    fingerprint=Fingerprint(provider="memory", model="m", dimensions=2),
    documents_partitions=12,
)
LETTER = DeadLetter(
    stage="normalise",
    reason=Reason.NOT_JSON,
    detail="d",
    topic="t",
    partition=0,
    offset=0,
    original_bytes=0,
)


def schema_of(name: str):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def references(part) -> set[str]:
    if isinstance(part, list):
        return {reference for item in part for reference in references(item)}
    if not isinstance(part, dict):
        return set()
    here = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
    return here | {reference for item in part.values() for reference in references(item)}


def test_the_files_are_what_the_models_generate():
    assert differences() == [], "run `python -m schemas.generate`"


def test_a_changed_a_missing_and_a_left_over_file_are_found_and_put_right(tmp_path, capsys):
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "document.json").write_text("{}", encoding="utf-8")
    (tmp_path / "dead-letter.json").unlink()
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    capsys.readouterr()

    assert main(["--check"], tmp_path) == 1
    names = ["dead-letter.json", "document.json", "old.json"]
    assert capsys.readouterr().out.splitlines() == [f"differs: {name}" for name in names]
    assert main([], tmp_path) == 0
    assert differences(tmp_path) == []


def test_every_record_has_a_schema():
    assert len(JSON_SCHEMAS) == len(all_records())


@pytest.mark.parametrize("name", JSON_SCHEMAS)
def test_a_schema_is_valid_json_schema(name):
    Draft202012Validator.check_schema(json.loads(FILES[name]))


@pytest.mark.parametrize(
    ("name", "record"),
    [("document", DOCUMENT), ("build-started", BUILD), ("dead-letter", LETTER)],
)
def test_an_encoded_record_fits_its_schema_and_no_other_version(name, record):
    validator = Draft202012Validator(schema_of(name))
    encoded = json.loads(record.encode())
    validator.validate(encoded)
    with pytest.raises(ValidationError):
        validator.validate({**encoded, "schema_version": 2})


@pytest.mark.parametrize("damage", [{"id": 'x" or 1==1'}, {"text": ""}, {"content_hash": "no"}])
def test_a_document_that_the_model_refuses_does_not_fit_its_schema(damage):
    with pytest.raises(ValidationError):
        Draft202012Validator(schema_of("document")).validate(
            {**json.loads(DOCUMENT.encode()), **damage}
        )


def test_every_reference_of_the_asyncapi_document_leads_somewhere():
    for reference in references(ASYNCAPI):
        part = ASYNCAPI
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
        assert part


def test_the_asyncapi_document_describes_hotswap_s_own_topics():
    channels = ASYNCAPI["channels"].values()
    addresses = {channel["address"] for channel in channels}
    assert addresses == {"documents", "control", "observations", "dead-letters"}


def test_every_message_of_the_asyncapi_document_stands_on_a_topic():
    used = {name for channel in ASYNCAPI["channels"].values() for name in channel["messages"]}
    assert used == set(ASYNCAPI["components"]["messages"])
