"""The report of `hotswap quality`: a folder that is whole, or not there."""

import sys

import orjson
import pytest

from streams.cli.exits import Exit
from streams.errors import TransientError
from tests.unit.quality.judged import shuffle

pytestmark = pytest.mark.slow  # draws pictures


def test_a_result_that_can_not_be_published_leaves_its_report(
    quality, filled, files, monkeypatch, tmp_path
):
    async def away(_records):
        raise TransientError("Kafka is away")

    monkeypatch.setattr(filled.log, "append", away)
    ended = quality(*files, "--out", "r")
    assert ended.status == Exit.UNREACHABLE
    assert "the report is in r, but was not published" in ended.err
    assert (tmp_path / "r" / "result.json").exists()


def test_the_report_is_whole_and_says_how_to_repeat_it(
    hotswap, filled, files, tmp_path, monkeypatch
):
    shuffle(filled, "ollama")
    monkeypatch.setattr(sys, "argv", ["hotswap", "quality", *files])
    printed = hotswap("quality", *files, "--out", "r", "--json", "--pictures", "both").json
    names = {path.name for path in (tmp_path / "r").iterdir()}
    stems = ("measures", "differences", "agreement", "similarities")
    assert names == {
        "report.md",
        "result.json",
        *(f"{stem}.{form}" for stem in stems for form in ("png", "svg")),
    }
    page = (tmp_path / "r" / "report.md").read_text(encoding="utf-8")
    for stem in stems:
        assert f"({stem}.png)" in page
        assert f"({stem}.svg)" not in page
    assert "hotswap quality --queries" in page
    for lane in ("source", "target"):
        assert printed[lane]["collection"].replace("_", "\\_") in page
    assert orjson.loads((tmp_path / "r" / "result.json").read_bytes()) == {
        name: value for name, value in printed.items() if name not in ("published", "report")
    }


@pytest.mark.usefixtures("filled")
def test_without_pictures_or_sample_the_report_has_neither(hotswap, files, tmp_path):
    ended = hotswap("quality", *files, "--out", "r", "--pictures", "none", "--sample", "0")
    assert ended.status == Exit.OK
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["report.md", "result.json"]
    page = (tmp_path / "r" / "report.md").read_text(encoding="utf-8")
    assert "Stored vectors" not in page
    assert "![" not in page


@pytest.mark.usefixtures("filled")
def test_by_default_the_report_is_in_a_folder_named_for_the_time(quality, files, tmp_path):
    assert quality(*files).status == Exit.OK
    (folder,) = tmp_path.glob("quality-*T*Z")
    assert (folder / "report.md").exists()
    assert not list(tmp_path.glob(".quality-*"))
