"""A lane is taken out of `hotswap.toml`, and nothing else."""

import tomllib

import pytest

from streams.config.reference import example
from streams.config.without_lane import loads, replace_file, without_lane
from streams.errors import ConfigurationError
from tests.configuration import BASE

FILE = """\
# The whole of it.
[migration]
source = "cloud"  # where reads come from
target = "ollama"
salt = "source = cloud"

# What we pay for.
# Since last year.
[lanes.cloud]
model = "small"
hint = "[lanes.ollama]"
[lanes.cloud.api_key]
env = "KEY"

# The machine below the desk.
[lanes.ollama]
model = "minilm"

[lanes.cloud_eu]
model = "other"
"""

LEFT = """\
# The whole of it.
[migration]
target = "ollama"
salt = "source = cloud"

# The machine below the desk.
[lanes.ollama]
model = "minilm"

[lanes.cloud_eu]
model = "other"
"""


def test_the_lane_goes_with_its_comment_its_tables_and_its_place_in_the_migration():
    assert without_lane(FILE, "cloud") == LEFT


def test_a_file_without_the_lane_stays_as_it_is():
    assert without_lane(LEFT, "cloud") == LEFT
    assert without_lane(FILE, "nonsense") == FILE


@pytest.mark.parametrize("lane", ["cloud", "ollama"])
@pytest.mark.parametrize("text", [BASE, example()], ids=["base", "example"])
def test_what_is_left_is_the_same_but_for_the_lane(text, lane, monkeypatch):
    monkeypatch.setenv("CLOUD_KEY", "x")
    left = without_lane(text, lane)
    before, after = tomllib.loads(text), tomllib.loads(left)
    before["lanes"].pop(lane)
    assert {**after, "migration": None} == {**before, "migration": None}
    loads(left, "hotswap.toml")


def test_windows_line_ends_and_a_last_line_without_one_stay():
    text = "[a]\r\nx = 1\r\n[lanes.cloud]\r\nm = 1\r\n[lanes.b]\r\nm = 2"
    assert without_lane(text, "cloud") == "[a]\r\nx = 1\r\n[lanes.b]\r\nm = 2"


def test_the_last_table_of_a_file_goes_too():
    assert without_lane("[lanes.b]\nm = 2\n\n# paid\n[lanes.cloud]\nm = 1\n# x\n", "cloud") == (
        "[lanes.b]\nm = 2\n\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "lanes = { cloud = { m = 1 }, b = { m = 2 } }\n",
        "[lanes]\ncloud.m = 1\nb.m = 2\n",
        '[lanes.b]\nm = """\n[lanes.cloud]\nx\n"""\n[lanes.cloud]\nm = 1\n',
        '[lanes.cloud]\nm = """\n[lanes.b]\n"""\n[lanes.b]\nm = 1\n',
    ],
)
def test_a_file_that_lines_can_not_be_taken_out_of_is_refused(text):
    with pytest.raises(ConfigurationError, match="remove it by hand"):
        without_lane(text, "cloud")


def test_what_is_left_must_be_a_configuration():
    with pytest.raises(ConfigurationError):
        loads(without_lane(without_lane(BASE, "cloud"), "ollama"), "hotswap.toml")


def test_the_old_file_is_kept_however_often_it_is_replaced(tmp_path):
    path = tmp_path / "hotswap.toml"
    path.write_text("one")
    path.chmod(0o640)
    assert replace_file(path, "two").read_text() == "one"
    assert replace_file(path, "three").read_text() == "two"
    assert path.read_text() == "three"
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_can_not_be_written_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="can not be replaced"):
        replace_file(tmp_path / "absent.toml", "x")
