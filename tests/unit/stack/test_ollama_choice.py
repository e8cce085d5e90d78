"""Which Ollama is taken: one that runs, a binary, or the stand-in."""

from pathlib import Path

import pytest

from streams.stack import StackError
from streams.stack.home import Home
from streams.stack.models import minilm_safetensors
from streams.stack.part import External, Launch
from streams.stack.parts.ollama import Ollama, kind_of, url_of


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    return Home(tmp_path / "home")


@pytest.fixture
def binary(tmp_path):
    file = tmp_path / "ollama"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_without_any_ollama_the_stand_in_is_taken_and_says_so(home):
    assert kind_of(home) == "stand-in"
    launch = Ollama().launch(home)
    assert isinstance(launch, Launch)
    assert "streams.stack.ollama_standin" in launch.command
    assert launch.detail.startswith("stand-in")
    assert kind_of(home) == "stand-in"


def test_a_binary_on_the_path_is_taken_with_models_of_its_own(home, binary):
    assert kind_of(home) == "real"
    launch = Ollama().launch(home)
    assert isinstance(launch, Launch)
    assert launch.command == (str(binary), "serve")
    assert launch.env["OLLAMA_HOST"] == f"127.0.0.1:{home.port('ollama')}"
    assert Path(launch.env["OLLAMA_MODELS"]).is_relative_to(home.path)
    assert kind_of(home) == "real"


def test_a_named_binary_goes_before_the_path(home, binary, tmp_path, monkeypatch):
    named = tmp_path / "other"
    named.write_text("#!/bin/sh\n")
    named.chmod(0o755)
    monkeypatch.setenv("HOTSWAP_OLLAMA", str(named))
    launch = Ollama().launch(home)
    assert isinstance(launch, Launch)
    assert launch.command[0] == str(named) != str(binary)


def test_a_named_binary_that_is_not_there_is_an_error(home, monkeypatch):
    monkeypatch.setenv("HOTSWAP_OLLAMA", "/does/not/exist")
    with pytest.raises(StackError, match="HOTSWAP_OLLAMA names /does/not/exist"):
        Ollama().launch(home)


def test_an_empty_name_asks_for_the_stand_in(home, binary, monkeypatch):
    assert binary.exists()
    monkeypatch.setenv("HOTSWAP_OLLAMA", "")
    assert kind_of(home) == "stand-in"
    assert isinstance(Ollama().launch(home), Launch)
    assert kind_of(home) == "stand-in"


@pytest.mark.parametrize("form", ["127.0.0.1:{port}", "http://127.0.0.1:{port}/", "0.0.0.0:{port}"])
def test_a_server_that_answers_is_used_as_it_is(home, ollama_server, monkeypatch, form, binary):
    assert binary.exists()
    port = ollama_server.rpartition(":")[2]
    monkeypatch.setenv("OLLAMA_HOST", form.format(port=port))
    assert isinstance(Ollama().launch(home), External)
    assert url_of(home) == ollama_server
    assert kind_of(home) == "stand-in"
    assert Ollama().missing(home) is None


def test_a_server_without_the_model_is_an_error_that_says_what_to_do(home, ollama, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", str(ollama.base_url))
    ollama.post("/admin/faults", json={"gone": True})
    with pytest.raises(StackError, match="ollama pull all-minilm, or unset OLLAMA_HOST"):
        Ollama().launch(home)


def test_a_server_that_does_not_answer_is_passed_over(home, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{home.port('nobody')}")
    assert isinstance(Ollama().launch(home), Launch)
    assert kind_of(home) == "stand-in"


def test_the_model_is_made_from_weights_tokenizer_and_settings():
    files = minilm_safetensors()
    assert {"model.safetensors", "tokenizer.json", "config.json", "1_Pooling/config.json"} <= set(
        files
    )
    assert all(file.is_file() for file in files.values())


def test_a_model_that_is_not_installed_is_an_error_that_says_how_to(home, monkeypatch):
    monkeypatch.setattr("streams.stack.models._ONNX_PACKAGE", "not-installed-anywhere")
    with pytest.raises(StackError, match="not-installed-anywhere is not installed: make setup"):
        Ollama().launch(home)
