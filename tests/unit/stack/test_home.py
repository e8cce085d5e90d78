"""A home remembers: ports, processes and notes, whoever writes at the same time."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.stack import StackError
from streams.stack.home import Home, port_is_free


def test_a_port_is_the_same_at_every_start(tmp_path):
    assert Home(tmp_path).port("kafka") == Home(tmp_path).port("kafka")


def test_no_two_parts_share_a_port(tmp_path):
    home = Home(tmp_path)
    ports = [home.port(f"part {number}") for number in range(50)]
    assert len(set(ports)) == 50


def test_a_fresh_port_replaces_the_old_one(tmp_path):
    home = Home(tmp_path)
    old = home.port("kafka")
    fresh = home.port("kafka", fresh=True)
    assert fresh != old
    assert Home(tmp_path).port("kafka") == fresh


def test_a_port_on_which_somebody_listens_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)


def test_the_first_note_stays(tmp_path):
    assert Home(tmp_path).note("key", "first") == "first"
    assert Home(tmp_path).note("key", "second") == "first"


def test_changes_made_at_the_same_time_by_several_homes_all_stay(tmp_path):
    def add(number: int) -> None:
        with Home(tmp_path).change() as state:
            state.notes[str(number)] = "here"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(64)))
    assert len(Home(tmp_path).state().notes) == 64


def test_a_change_that_fails_changes_nothing(tmp_path):
    home = Home(tmp_path)
    home.note("key", "value")

    def change() -> None:
        with home.change() as state:
            state.notes.clear()
            raise InterruptedError

    with pytest.raises(InterruptedError):
        change()
    assert home.state().notes == {"key": "value"}


def test_an_unreadable_state_is_a_clear_error(tmp_path):
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(StackError, match=r"state\.json can not be read; move it away"):
        Home(tmp_path).state()


def test_the_state_is_for_the_user_only(tmp_path):
    Home(tmp_path).note("cloud-api-key", "secret")
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0
