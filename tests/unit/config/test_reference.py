"""What people read about the settings is what the models say."""

import re
from pathlib import Path

import pytest

from streams.config.load import load
from streams.config.reference import example, reference
from streams.config.settings import Settings
from streams.config.tree import find, walk

OPS = Path(__file__).parents[3] / "ops"


def test_the_page_of_all_settings_is_the_one_made_from_the_models():
    assert (OPS / "configuration.md").read_text(encoding="utf-8") == reference(), (
        "run: hotswap config reference > ops/configuration.md"
    )


def test_the_example_in_ops_is_the_one_that_the_package_prints():
    assert (OPS / "hotswap.example.toml").read_text(encoding="utf-8") == example()


def test_the_example_is_a_valid_configuration():
    settings = load(OPS / "hotswap.example.toml")
    assert set(settings.lanes) == {"cloud", "ollama"}
    assert [source.name for source in settings.sources] == ["articles", "comments"]
    assert settings.sources[0].text == "{title}\n\n{body}"


def test_what_the_example_leaves_as_a_comment_is_valid_too(tmp_path):
    text = re.sub(r"^# ([a-z_]+ = )", r"\1", example(), flags=re.MULTILINE)
    path = tmp_path / "hotswap.toml"
    path.write_text(text, encoding="utf-8")
    loaded = load(path)
    assert loaded.kafka.sasl_mechanism == "SCRAM-SHA-512"
    assert loaded.milvus.token is not None


@pytest.mark.parametrize("setting", list(walk()), ids=lambda it: it.path + it.variant)
def test_every_setting_says_what_it_is(setting):
    assert setting.description
    assert setting.type


def test_every_section_is_in_the_reference():
    sections = {setting.section.split(".")[0].removesuffix("[]") for setting in walk()}
    assert sections == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("location", "name"),
    [
        (("kafka", "bootstrap"), "kafka.bootstrap"),
        (("sources", 0, "text"), "sources[0].text"),
        (("lanes", "ollama", "ollama", "hosts", 1), "lanes.ollama.hosts[1]"),
        (("lanes", "openai", "openai", "api_key", "env"), "lanes.openai.api_key.env"),
        (("lanes", "A", "[key]"), "lanes.A"),
        (("connect", "secrets", "database.password"), 'connect.secrets."database.password"'),
        ((), ""),
    ],
)
def test_a_place_is_named_as_the_operator_wrote_it(location, name):
    assert find(location).name == name
