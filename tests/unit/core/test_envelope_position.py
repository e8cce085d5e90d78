import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.envelope import is_older, may_be_older, position_of


def postgres(**fields):
    return position_of({"connector": "postgresql", **fields})


def mysql(file="mysql-bin.000003", pos=4, row=0, server_id=7):
    fields = {"file": file, "pos": pos, "row": row, "server_id": server_id}
    return position_of({"connector": "mysql", **fields})


def test_postgres_positions_sort_like_log_sequence_numbers():
    lsns = [0, 9, 10, 24_023_128, 2**63 - 1, -(2**63), -1]  # the last two: 2**63 and 2**64 - 1
    positions = [postgres(lsn=lsn) for lsn in lsns]
    assert positions == sorted(positions)
    assert len(set(positions)) == len(positions)
    assert postgres(lsn=24_023_128) == "00000000000024023128"


def test_an_incremental_snapshot_stands_where_its_sequence_says():
    assert postgres(lsn=None, sequence='["7","9"]') == postgres(lsn=9)
    assert postgres(lsn=None, sequence='["7",null]') == postgres(lsn=7)


def test_mysql_positions_sort_by_file_offset_and_row():
    positions = [
        mysql(pos=4),
        mysql(pos=4, row=1),
        mysql(pos=5),
        mysql(pos=2**32),
        mysql(file="mysql-bin.000004"),
        mysql(file="mysql-bin.999999"),
        mysql(file="mysql-bin.1000000"),
    ]
    assert positions == sorted(positions)


def test_sql_server_positions_sort_by_commit_change_and_serial_number():
    def at(commit, change, serial):
        fields = {"commit_lsn": commit, "change_lsn": change, "event_serial_no": serial}
        return position_of({"connector": "sqlserver", **fields})

    early, late = "00000027:00000758:0003", "00000027:00000758:000a"
    positions = [at(early, None, None), at(early, early, 1), at(early, early, "2"),
                 at(early, late, 1), at(late, early, 10)]  # fmt: skip
    assert positions == sorted(positions)
    assert len(set(positions)) == len(positions)


def test_mongodb_positions_sort_by_second_and_order():
    def at(ts_ms, order):
        return position_of({"connector": "mongodb", "ts_ms": ts_ms, "ord": order})

    positions = [at(9_000, 3), at(9_000, 20), at(10_000, 1)]
    assert positions == sorted(positions)


def test_an_unknown_connector_is_ordered_by_time():
    assert position_of({"connector": "other", "ts_ms": 9}) == "ts:00000000000000000009"


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"connector": "postgresql"},
        {"connector": "postgresql", "lsn": True},
        {"connector": "postgresql", "lsn": 1.5},
        {"connector": "postgresql", "sequence": "["},
        {"connector": "postgresql", "sequence": "7"},
        {"connector": "postgresql", "sequence": "[null,null]"},
        {"connector": "mysql", "file": "mysql-bin", "pos": 4},
        {"connector": "mysql", "file": "mysql-bin.x", "pos": 4},
        {"connector": "mysql", "file": "mysql-bin.000001", "pos": -4},
        {"connector": "sqlserver", "commit_lsn": ""},
        {"connector": "mongodb", "ord": 1},
        {"connector": [], "ts_ms": "x"},
    ],
)
def test_a_position_that_is_not_told_is_empty(origin):
    assert position_of(origin) == ""


def test_older_means_strictly_before():
    assert is_older("1", "2")
    assert not is_older("2", "2")
    assert not is_older("3", "2")


@pytest.mark.parametrize("position", ["", None])
def test_an_unknown_position_may_be_older_but_is_not_known_to_be(position):
    assert not is_older(position, "2")
    assert may_be_older(position, "2")


def test_positions_of_two_servers_tell_nothing_about_age():
    before, truncate = mysql(file="binlog.000009", server_id=1), mysql(server_id=2)
    assert not is_older(before, truncate)
    assert may_be_older(before, truncate)


def test_a_mysql_snapshot_is_measured_against_any_server():
    truncate = mysql(pos=100)
    assert is_older(mysql(pos=99, server_id=0), truncate)
    assert not may_be_older(mysql(pos=101, server_id=0), truncate)


@given(st.text() | st.none(), st.text())
def test_what_is_older_may_be_older(position, watermark):
    assert may_be_older(position, watermark) or not is_older(position, watermark)
