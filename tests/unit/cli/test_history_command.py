"""`hotswap history`: a table for people, lines of JSON for programs."""

import asyncio

import orjson

from schemas import Rollback
from streams.cli.exits import Exit
from streams.cli.history import show_history
from streams.config.load import load
from streams.ports import NewRecord
from tests.unit.cli.walking import append, walk


def test_every_record_is_listed_with_its_verdict_oldest_first(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    hotswap("stage", "complete", "--reason", "so soon")
    shown = hotswap("history").out
    orders = ["build start cloud/1", "migration from", "stage dualwrite", "stage complete"]
    assert [shown.index(order) for order in orders] == sorted(map(shown.index, orders))
    assert "accepted by force, over preflight" in shown
    assert "rejected (forbidden)" in shown
    assert "so soon" in shown
    assert "5 records" in shown


def test_as_json_each_record_is_a_line(hotswap, initialised):
    append(initialised, b'{"kind": "stge"}')
    ended = hotswap("history", "--json")
    assert ended.status == Exit.OK
    entries = [orjson.loads(line) for line in ended.out.splitlines()]
    assert [entry["offset"] for entry in entries] == [0, 1, 2, 3]
    assert entries[-1]["rejection"] == "unreadable"
    assert entries[-1]["kind"] is None
    assert entries[0]["kind"] == "build"
    assert set(entries[0]) == set(entries[-1])


def test_the_newest_are_shown_of_the_kinds_asked_for(hotswap, initialised):
    walk(hotswap, initialised, "live")
    lines = hotswap("history", "--json", "--kind", "stage", "-k", "verify", "-n", "2").out
    assert [orjson.loads(line)["what"] for line in lines.splitlines()] == [
        "stage shadow",
        "stage live",
    ]
    assert len(hotswap("history", "--json", "-n", "0").out.splitlines()) == 7


def test_only_what_was_not_obeyed_can_be_asked_for(hotswap, initialised):
    assert "0 records" in hotswap("history", "--rejected").out
    append(initialised, b"{")
    hotswap("stage", "dualwrite")
    hotswap("stage", "off")
    verdicts = [
        orjson.loads(line)["verdict"]
        for line in hotswap("history", "--rejected", "--json").out.splitlines()
    ]
    assert verdicts == ["rejected", "held"]


def test_following_goes_on_with_what_comes_one_line_each(hotswap, initialised, monkeypatch, capsys):
    """A newline in a reason does not make a line of its own."""
    assert hotswap
    following = asyncio.Event()
    follow = initialised.log.follow

    async def followed(*arguments):
        following.set()
        async for page in follow(*arguments):
            yield page

    monkeypatch.setattr(initialised.log, "follow", followed)

    def run(work):
        async def meanwhile():
            showing = asyncio.create_task(work)
            await asyncio.wait_for(following.wait(), 10)
            forged = Rollback(id="1", by="bob", reason="r\n     9  forged line")
            await initialised.log.append([NewRecord("control", None, forged.encode())])
            for _ in range(1_000):
                await asyncio.sleep(0)
                if "bob" in (seen := seen_so_far()):
                    break
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            return seen

        return asyncio.run(meanwhile())

    out: list[str] = []

    def seen_so_far() -> str:
        out.append(capsys.readouterr().out)
        return "".join(out)

    monkeypatch.setattr("streams.cli.session.run", run)
    show_history(load(None), kinds=(), limit=1, rejected=False, follow=True, json=False)
    lines = seen_so_far().splitlines()
    assert [line.split()[0] for line in lines] == ["2", "3"]
    assert "bob: rollback to shadow (r\\n     9  forged line): unchanged" in lines[1]
