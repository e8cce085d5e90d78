"""Which file is read, what wins, and that nothing wrong is left unsaid."""

import pytest
from pydantic import ValidationError

from streams.config import ConnectConfig
from streams.config.check import visible
from streams.config.lanes import OllamaConfig, OpenAIConfig
from streams.config.load import load
from streams.config.problems import SeveralProblems


def test_the_argument_wins_over_the_variable_over_the_current_folder(base, tmp_path, monkeypatch):
    for name in ("argument", "variable", "hotswap"):
        text = base.replace("127.0.0.1:9092", f"{name}:1")
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load().kafka.bootstrap == "hotswap:1"
    monkeypatch.setenv("HOTSWAP_CONFIG", str(tmp_path / "variable.toml"))
    assert load().kafka.bootstrap == "variable:1"
    assert load(tmp_path / "argument.toml").kafka.bootstrap == "argument:1"


def test_environment_variables_win_over_the_file(file, monkeypatch):
    monkeypatch.setenv("HOTSWAP__KAFKA__BOOTSTRAP", "broker:1, other:2")
    monkeypatch.setenv("HOTSWAP__KAFKA__TOPICS__DOCUMENTS_PARTITIONS", "4")
    monkeypatch.setenv("HOTSWAP__LANES__OLLAMA__HOSTS", '["http://a:1", "http://b:2/"]')
    monkeypatch.setenv("HOTSWAP__LANES__CLOUD__API_KEY__ENV", "OTHER_KEY")
    settings = load(file)
    assert settings.kafka.bootstrap == "broker:1,other:2"
    assert settings.kafka.topics.documents_partitions == 4
    ollama = settings.lanes["ollama"]
    assert isinstance(ollama, OllamaConfig)
    assert ollama.hosts == ("http://a:1", "http://b:2")
    assert ollama.model == "minilm", "what no variable names stays as the file has it"
    assert visible(settings)["lanes"]["cloud"]["api_key"]["env"] == "OTHER_KEY"


def test_tables_in_a_variable_are_laid_over_those_of_the_file(file, monkeypatch):
    monkeypatch.setenv("HOTSWAP__CONNECT__CONFIG", '{"database.port": "5433"}')
    assert load(file).connect.config == {
        "database.hostname": "127.0.0.1",
        "database.port": "5433",
    }


def test_numbers_and_truth_values_become_the_text_that_connect_wants(base, file):
    text = base + '"database.port" = 5432\n"provide.transaction.metadata" = false\n'
    file.write_text(text, encoding="utf-8")
    config = load(file).connect.config
    assert config["database.port"] == "5432"
    assert config["provide.transaction.metadata"] == "false"


def test_a_reference_for_connect_to_resolve_is_no_secret(base, file):
    text = base + '"database.password" = "${file:/run/db:password}"\n'
    file.write_text(text, encoding="utf-8")
    assert load(file).connect.config["database.password"].startswith("${")


def test_several_problems_are_listed_at_once(base, file, monkeypatch):
    monkeypatch.setenv("HOTSWAP__KAFAK", "x")
    text = base.replace("127.0.0.1:9092", "nowhere").replace("dimensions = 8", "dimensions = 0")
    file.write_text(text.replace("[milvus]", "[milvs]"), encoding="utf-8")
    with pytest.raises(SeveralProblems, match="4 problems") as caught:
        load(file)
    assert {problem.setting for problem in caught.value.problems} == {
        "milvs",
        "HOTSWAP__KAFAK",
        "kafka.bootstrap",
        "lanes.cloud.dimensions",
    }
    for problem in caught.value.problems:
        assert problem.problem in str(caught.value)


def test_secrets_are_shown_by_where_they_are_and_never_by_value(file, monkeypatch):
    monkeypatch.setenv("CLOUD_KEY", "hunter2")
    shown = visible(load(file))
    assert shown["lanes"]["cloud"]["api_key"] == {"env": "CLOUD_KEY", "resolves": True}
    assert "hunter2" not in str(shown)
    monkeypatch.setenv("CLOUD_KEY", " ")
    shown = visible(load(file))
    assert shown["lanes"]["cloud"]["api_key"] == {"env": "CLOUD_KEY", "resolves": False}


def test_a_secret_that_was_read_is_masked_when_printed(file, monkeypatch):
    monkeypatch.setenv("CLOUD_KEY", "hunter2\n")
    cloud = load(file).lanes["cloud"]
    assert isinstance(cloud, OpenAIConfig)
    secret = cloud.api_key.read("lanes.cloud.api_key")
    assert secret.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r}"


def test_a_section_by_itself_does_not_repeat_a_secret_in_its_error_either():
    with pytest.raises(ValidationError) as caught:
        ConnectConfig.model_validate({"username": "u", "password": "hunter2"})
    assert "hunter2" not in str(caught.value)
