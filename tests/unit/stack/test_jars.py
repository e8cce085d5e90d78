"""Jars come once, whole, and as the lock has them."""

import hashlib
import json
import os
import re
from pathlib import Path
from threading import Event

import pytest

from streams.stack import jars
from streams.stack.errors import Cancelled, StackError

GOOD = b"a jar"
LOCK = {
    "org.example:one:1.0": hashlib.sha256(GOOD).hexdigest(),
    "org.example:two:2.0": hashlib.sha256(GOOD).hexdigest(),
}


class Repository:
    """Answers as jgo does: by putting a file into the folder it was given."""

    def __init__(self) -> None:
        self.content = [GOOD]
        self.asked: list[str] = []

    def open(self, folder: Path) -> "Repository":
        self.folder = folder
        return self

    def project(self, group: str, name: str) -> "Repository":
        self.asked.append(f"{group}:{name}")
        return self

    def at_version(self, version: str) -> "Repository":
        del version
        return self

    def artifact(self) -> "Repository":
        return self

    def resolve(self) -> Path:
        content = self.content.pop(0) if len(self.content) > 1 else self.content[0]
        if not content:
            raise RuntimeError("not found in remote repositories")
        file = self.folder / "file.jar"
        file.write_bytes(content)
        return file


@pytest.fixture
def repository(monkeypatch, tmp_path):
    made = Repository()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jars, "_maven", made.open)
    monkeypatch.setattr(jars, "_locked", lambda program: {"test": LOCK}[program])
    monkeypatch.setattr(jars, "_DOWNLOADS_AT_ONCE", 1)
    monkeypatch.setattr(jars, "_LONGEST_WAIT_SECONDS", 0)
    return made


def test_missing_jars_are_fetched_and_counted(repository):
    said: list[str] = []
    jars.fetch("test", said.append, Event())
    assert repository.asked == ["org.example:one", "org.example:two"]
    assert said == ["0 of 2 jars", "1 of 2 jars", "2 of 2 jars"]
    places = jars.class_path("test").split(os.pathsep)
    assert [Path(place).read_bytes() for place in places] == [GOOD, GOOD]


def test_jars_that_are_there_are_not_fetched_again(repository):
    jars.fetch("test", lambda _: None, Event())
    repository.asked.clear()
    said: list[str] = []
    jars.fetch("test", said.append, Event())
    assert repository.asked == said == []


def test_a_failed_download_is_tried_again(repository):
    repository.content = [b"", GOOD]
    jars.fetch("test", lambda _: None, Event())
    assert repository.asked.count("org.example:one") == 2


def test_a_jar_cut_off_or_changed_on_the_way_is_fetched_again(repository):
    repository.content = [GOOD[:2], GOOD]
    jars.fetch("test", lambda _: None, Event())
    assert Path(jars.class_path("test").split(os.pathsep)[0]).read_bytes() == GOOD


def test_a_jar_that_is_never_the_locked_one_is_an_error_and_is_not_kept(repository, tmp_path):
    repository.content = [b"something else"]
    with pytest.raises(StackError, match=r"org\.example:one:1\.0 has SHA-256 .* as locked"):
        jars.fetch("test", lambda _: None, Event())
    assert list(tmp_path.rglob("*.jar")) == []


def test_a_cancelled_download_stops_soon(repository):
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled):
        jars.fetch("test", lambda _: None, cancel)
    assert repository.asked == []


def test_the_lock_holds_one_version_of_each_jar_with_its_digest():
    lock = json.loads(Path(jars.__file__).with_name("jars.lock").read_text())
    assert set(lock) == {"kafka", "connect"}
    for locked in lock.values():
        names = [jar.rpartition(":")[0] for jar in locked]
        assert len(names) == len(set(names))
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in locked.values())


def test_the_lock_holds_the_versions_that_were_asked_for():
    lock = json.loads(Path(jars.__file__).with_name("jars.lock").read_text())
    for program, coordinates in jars.PROGRAMS.items():
        assert set(coordinates) <= set(lock[program])


def test_kafka_and_connect_agree_on_the_client():
    lock = json.loads(Path(jars.__file__).with_name("jars.lock").read_text())
    name = "org.apache.kafka:kafka-clients:4.3.1"
    assert lock["kafka"][name] == lock["connect"][name]
