"""What the parts' files and commands say, without running them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stack import StackError
from streams.stack.home import Home
from streams.stack.parts import parts
from streams.stack.parts.java import properties
from streams.stack.parts.kafka import Kafka
from streams.stack.parts.ollama import _url
from streams.stack.status import PARTS


def read(text: str) -> dict[str, str]:
    """Read a properties file as Java does, as far as ours go."""
    lines = [line.split("=", 1) for line in text.encode("latin-1").decode("latin-1").splitlines()]
    return {
        name: value.encode("latin-1")
        .decode("unicode-escape")
        .encode("utf-16", "surrogatepass")
        .decode("utf-16")
        for name, value in lines
    }


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"], min_codepoint=33)))
def test_a_properties_file_keeps_values_of_any_alphabet(value):
    assert read(properties({"name": value})) == {"name": value}


def test_the_parts_are_those_that_are_promised_each_after_what_it_needs():
    listed = parts(fast_compaction=False)
    assert tuple(listed) == PARTS
    for position, part in enumerate(listed.values()):
        assert set(part.needs) <= set(PARTS[:position])


def test_a_folder_that_kafka_would_take_for_two_is_refused(tmp_path):
    with pytest.raises(StackError, match="comma"):
        Kafka().launch(Home(tmp_path / "a,b"))


@pytest.mark.parametrize(("fast", "backoff"), [(True, "200"), (False, None)])
def test_kafka_compacts_fast_only_when_asked(tmp_path, fast, backoff):
    launch = Kafka(fast_compaction=fast).launch(Home(tmp_path))
    (text,) = launch.files.values()
    assert read(text).get("log.cleaner.backoff.ms") == backoff
    assert read(text)["auto.create.topics.enable"] == "false"


def test_nothing_listens_beyond_loopback(tmp_path):
    (text,) = Kafka().launch(Home(tmp_path)).files.values()
    settings = read(text)
    for name in ("listeners", "advertised.listeners"):
        assert all("://127.0.0.1:" in each for each in settings[name].split(","))


def test_a_cluster_keeps_its_id(tmp_path):
    def cluster() -> str:
        (step,) = Kafka().launch(Home(tmp_path)).steps
        return step.command[step.command.index("-t") + 1]

    assert len(cluster()) == 22
    assert cluster() == cluster()
    assert Path(Kafka().launch(Home(tmp_path)).steps[0].makes).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", ""),
        ("127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("example", "http://example:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104
        ("http://example", "http://example:80"),
        ("https://example", "https://example:443"),
        ("https://example:8443/ollama/", "https://example:8443/ollama"),
        (":5000", "http://127.0.0.1:5000"),
        ("[::]:5000", "http://127.0.0.1:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_ollama_host_is_understood_in_the_forms_that_ollama_takes(host, url):
    assert _url(host) == url
