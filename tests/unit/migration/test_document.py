"""The page for operators says what the code does, and its examples work."""

import json
import re
import subprocess
from pathlib import Path
from shutil import which

import pytest
from jsonschema import Draft202012Validator

from schemas import Stage, parse_control
from schemas.generate import FOLDER
from streams.migration.document import page
from streams.migration.prose import REJECTIONS
from streams.migration.signing import is_signed
from streams.migration.verdicts import Accepted, Guard, Rejection, Unchanged
from tests.unit.migration.log import DAY, HOUR, Log, begun, walked

FILE = Path(__file__).parents[3] / "ops" / "migration-states.md"
PAGE = page()
EXAMPLES = re.findall(r"^(.+) \(`(\w+)`\):\n```json\n(.+)\n```", PAGE, re.MULTILINE)


def content_in(stage: str) -> Log:
    """A log in that stage with everything that an example needs."""
    log = walked(stage, percent=5 if stage == "live" else 100)
    if stage == "off":
        log.accept("preflight", verdict="pass")
    log.health()
    return log


def test_the_page_is_as_it_is_printed():
    assert FILE.read_text(encoding="utf-8") == PAGE, (
        "run `python -m streams.migration.document > ops/migration-states.md`"
    )


@pytest.mark.parametrize(
    ("stage", "example"), [found[1:] for found in EXAMPLES], ids=[found[0] for found in EXAMPLES]
)
def test_every_example_goes_through(stage, example):
    log = content_in(stage)
    order = json.loads(example)
    if order["kind"] == "resume":
        log.accept("pause", lane=order["lane"])
    if order["kind"] == "throttle" and order["documents_per_second"] is None:
        log.accept("throttle", lane=order["lane"], documents_per_second=1)
    if order.get("cohorts") is not None:
        log.accept("ramp", percent=1)
    value = example.replace("1234", str(log.state.version))
    assert isinstance(log.append(value.encode()).verdict, Accepted)


@pytest.mark.parametrize("example", [found[2] for found in EXAMPLES])
def test_every_example_fits_its_json_schema(example):
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(parse_control(example.encode())).__name__).lower()
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(example))


def test_there_are_examples_and_all_json_on_the_page_is_one_of_them():
    blocks = re.findall(r"```json\n(.+)\n```", PAGE)
    assert len(blocks) == len(EXAMPLES) + 1
    log = walked("live")
    assert isinstance(log.append(blocks[0].encode()).verdict, Accepted)
    for block in blocks:
        assert set(json.loads(block)) >= {"kind", "id", "by"}


def test_the_page_names_every_stage_guard_and_rejection():
    for word in (*Stage, *Guard, *Rejection):
        assert f"`{word}`" in PAGE
    assert set(REJECTIONS) == set(Rejection)


def test_the_diagram_has_exactly_the_transitions_that_the_fold_lets_through():
    drawn = set(re.findall(r"^    (\w+) --> (\w+)", PAGE, re.MULTILINE))
    found = {("complete", "complete")}  # reopen
    for stage in Stage:
        for to in Stage:
            log = content_in(stage) if stage is Stage.OFF else ready(stage)
            if stage is not to and isinstance(log.verdict("stage", to=to), Accepted):
                found.add((str(stage), str(to)))
    assert drawn == found


def ready(stage: Stage) -> Log:
    log = walked(stage)
    if stage is Stage.COMPLETE:
        log.accept("reopen")
    log.wait(8 * DAY if stage is Stage.RAMPDOWN else HOUR)
    for lane in ("cloud", "ollama"):
        log.verify(lane)
    log.accept("gate", verdict="successful")
    return log


@pytest.mark.skipif(
    not all(which(tool) for tool in ("sh", "jq", "openssl")), reason="jq or openssl is missing"
)
def test_the_recipe_for_signatures_makes_valid_ones(tmp_path):
    key = "0123456789abcdef" * 4
    (tmp_path / "control.key").write_text(key + "\n")
    (recipe,) = re.findall(r"```sh\n(order=.+?)```", PAGE, re.DOTALL)
    printed = subprocess.run(  # noqa: S603 - the page's own words
        ["sh", "-c", recipe],  # noqa: S607 - wherever it is installed
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    assert is_signed(printed, [key.encode()])
    assert not is_signed(printed.replace(b"ann", b"bob"), [key.encode()])


def test_the_recipe_for_sending_prints_an_order():
    (recipe,) = re.findall(r"```sh\n(echo .+?)\|\n", PAGE, re.DOTALL)
    printed = subprocess.run(  # noqa: S603 - the page's own words
        ["sh", "-c", f"uuidgen() {{ echo 1-2-3; }}; USER=ann; {recipe}"],  # noqa: S607
        capture_output=True,
        check=True,
    ).stdout
    assert isinstance(begun().append(printed).verdict, Unchanged)
    assert isinstance(walked("live").append(printed).verdict, Accepted)
