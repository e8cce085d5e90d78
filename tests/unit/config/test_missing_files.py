"""Files that are not there, and what a problem says of its remedy.

What is wrong inside a configuration stands with all other bad input, in
`tests/unit/test_bad_input.py`.
"""

import pytest

from streams.config.check import problems
from streams.config.load import load
from streams.errors import ConfigurationError


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no file") as caught:
        load(tmp_path / "absent.toml")
    assert "hotswap config example >" in caught.value.remedy


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="is not a file"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_is_named(file):
    file.write_bytes(b'x = "\xff"')
    with pytest.raises(ConfigurationError, match=r"is not UTF-8 \(byte 5\)"):
        load(file)


def test_a_missing_secret_names_its_setting_and_where_to_put_it(file, monkeypatch):
    monkeypatch.delenv("CLOUD_KEY", raising=False)
    (problem,) = problems(load(file))
    assert problem.setting == "lanes.cloud.api_key"
    assert problem.problem == "environment variable CLOUD_KEY is not set"
    assert problem.remedy == "set the environment variable CLOUD_KEY"


def test_a_secret_file_that_is_absent_is_named(base, file, tmp_path):
    absent = tmp_path / "key"
    file.write_text(base.replace('env = "CLOUD_KEY"', f'file = "{absent}"'), encoding="utf-8")
    (problem,) = problems(load(file))
    assert str(absent) in problem.problem


def test_a_certificate_file_that_is_absent_is_named(base, file, monkeypatch):
    monkeypatch.setenv("CLOUD_KEY", "k")
    text = base.replace("[kafka]", '[kafka]\nsecurity_protocol = "SSL"\nssl_cafile = "no.pem"')
    file.write_text(text, encoding="utf-8")
    (problem,) = problems(load(file))
    assert str(problem).startswith("kafka.ssl_cafile: there is no file no.pem")
