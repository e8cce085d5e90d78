"""`hotswap build`: begin, promote, go back, drop and replay, and what each says."""

import pytest

from schemas import Fingerprint, Verdict, VerifyEvidence
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.cli.exits import Exit
from streams.core.canaries import CANARY_TEXTS
from streams.core.role_names import embed_role_name
from streams.services.control import ControlLog
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import append, control_end, walk


def lane_of(systems, lane="ollama"):
    return now(ControlLog(systems.log, "control").refresh()).lanes[lane]


async def fill(systems, number: int, texts: list[str]) -> None:
    """Documents, and the rows that workers of both builds would make of them."""
    rows = await rows_of(systems.log, systems.embedders["ollama"], texts)
    ends = await systems.log.ends("documents")
    state = await ControlLog(systems.log, "control").refresh()
    for build in range(1, number + 1):
        collection = state.lanes["ollama"].builds[build].pinned.collection
        await systems.store.upsert(collection, rows)
        group = f"hotswap-{embed_role_name('ollama', build).replace(':', '-')}"
        systems.log.commit(group, "documents", ends)


def prove(systems, number: int) -> None:
    """What `hotswap verify ollama --build N` records if the build is clean."""
    append(
        systems,
        VerifyEvidence(
            id=f"verify-{number}-{control_end(systems)}",
            by="ann",
            as_of=control_end(systems) - 1,
            lane="ollama",
            build=number,
            verdict=Verdict.CLEAN,
            documents=0,
            rows=0,
        ),
    )


def test_start_says_what_is_new_and_what_comes_next(hotswap, initialised):
    initialised.embedders["ollama"] = MemoryEmbedder(32, model="bigger")
    ended = hotswap("build", "start", "ollama", "--reason", "a better model")
    assert ended.status == Exit.OK
    assert ended.out.startswith("accepted: build 2 of ollama began; version 3")
    assert "model" in ended.out
    assert "bigger" in ended.out
    assert "hotswap worker embed ollama --build 2" in ended.out
    assert "hotswap build promote ollama 2" in ended.out
    lane = lane_of(initialised)
    assert (lane.serving, sorted(lane.builds)) == (1, [1, 2])
    assert lane.builds[2].pinned.reason == "a better model"


def test_start_as_json_names_the_build_and_its_collection(hotswap, initialised):
    found = hotswap("build", "start", "ollama", "--json").json
    assert (found["verdict"], found["lane"], found["build"]) == ("accepted", "ollama", 2)
    assert found["collection"] in now(initialised.store.collections())
    assert found["differences"] == {}
    assert len(found["next"]) == 3


def test_a_dry_run_of_start_makes_nothing(hotswap, initialised):
    end, before = control_end(initialised), now(initialised.store.collections())
    ended = hotswap("build", "start", "ollama", "--dry-run")
    assert ended.status == Exit.OK
    assert ended.out.startswith("dry run, nothing was sent: accepted: build 2 of ollama began")
    assert "would fill collection documents_ollama_" in ended.out
    assert control_end(initialised) == end
    assert now(initialised.store.collections()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("start", "nonsense"),
        ("start", "ollama", "--reason", "x" * 4_001),
        ("promote", "nonsense"),
        ("promote", "ollama", "0"),
        ("drop", "ollama"),
        ("drop", "ollama", "7"),
        ("drop", "nonsense", "1"),
        ("replay", "nonsense"),
        ("replay", "ollama", "7"),
    ],
)
def test_what_is_not_there_is_wrong_usage_and_nothing_is_sent(hotswap, initialised, arguments):
    end = control_end(initialised)
    ended = hotswap("build", *arguments)
    assert ended.status == Exit.USAGE, ended.out
    assert control_end(initialised) == end


def test_a_build_that_was_not_verified_is_held_and_the_remedy_names_it(hotswap, initialised):
    assert initialised
    hotswap("build", "start", "ollama")
    ended = hotswap("build", "promote", "ollama")
    assert ended.status == Exit.HELD
    assert "held by proven" in ended.out
    assert "hotswap verify ollama --build 2" in ended.out


def test_a_verified_build_is_promoted_and_the_way_back_needs_no_evidence(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    hotswap("build", "start", "ollama")
    prove(initialised, 1)
    prove(initialised, 2)
    ended = hotswap("build", "promote", "ollama")
    assert ended.status == Exit.OK, ended.out
    assert ended.out.startswith("accepted: build 2 of ollama serves")
    assert "1 (serves), 2" in ended.out
    assert hotswap("build", "promote", "ollama", "2").out.startswith("unchanged: build 2 serves")
    back = hotswap("build", "promote", "ollama", "1", "--dry-run")
    assert "build 1 of ollama serves" in back.out
    assert lane_of(initialised).serving == 2
    assert hotswap("build", "promote", "ollama", "1").status == Exit.OK
    assert lane_of(initialised).serving == 1


def test_the_build_that_serves_is_not_dropped(hotswap, initialised):
    hotswap("build", "start", "ollama")
    ended = hotswap("build", "drop", "ollama", "1", "--json")
    assert ended.status == Exit.REJECTED
    assert (ended.json["verdict"], ended.json["is_gone"]) == ("rejected", False)
    assert lane_of(initialised).pinned.collection in now(initialised.store.collections())


def test_a_dropped_build_is_gone_and_dropping_it_again_is_no_error(hotswap, initialised):
    collection = hotswap("build", "start", "ollama", "--json").json["collection"]
    ended = hotswap("build", "drop", "ollama", "2", "--reason", "a mistake")
    assert ended.status == Exit.OK
    assert ended.out.startswith("accepted: build 2 of ollama is given up")
    assert f"collection {collection} is gone" in ended.out
    assert "consumer group hotswap-embed-ollama-2 stays" in ended.out
    assert collection not in now(initialised.store.collections())
    again = hotswap("build", "drop", "ollama", "2", "--json")
    assert again.status == Exit.OK
    assert (again.json["verdict"], again.json["rows"]) == ("unchanged", None)


def test_a_dry_run_of_drop_says_what_would_go(hotswap, initialised):
    collection = hotswap("build", "start", "ollama", "--json").json["collection"]
    ended = hotswap("build", "drop", "ollama", "2", "--dry-run")
    assert ended.status == Exit.OK
    assert f"about collection {collection}: with 0 rows" in ended.out
    assert collection in now(initialised.store.collections())
    assert sorted(lane_of(initialised).builds) == [1, 2]


def test_a_replay_tells_what_it_mended(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    now(fill(initialised, 1, ["a", "b", "c"]))
    collection = lane_of(initialised).pinned.collection
    now(initialised.store.delete(collection, ["articles/1"]))
    found = hotswap("build", "replay", "ollama", "--json").json
    assert found["counters"]["written"] == 1
    assert now(initialised.store.count(collection)) == 3
    again = hotswap("build", "replay", "ollama", "1")
    assert again.status == Exit.OK
    assert "0 rows written, 0 deleted, 0 texts embedded" in again.out


def test_a_dry_run_of_a_replay_says_what_would_be_and_does_nothing(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    now(fill(initialised, 1, ["a", "b", "c"]))
    collection = lane_of(initialised).pinned.collection
    now(initialised.store.delete(collection, ["articles/1"]))
    end, texts = control_end(initialised), initialised.embedders["ollama"].texts
    ended = hotswap("build", "replay", "ollama", "--dry-run")
    assert ended.status == Exit.OK
    assert f"  dry run, nothing was done: {collection}: 3 documents looked at," in ended.out
    assert " 1 rows would be written, 0 deleted, 1 texts embedded, 0 dead letters" in ended.out
    # Each of them only looks which model answers.
    assert initialised.embedders["ollama"].texts == texts + len(CANARY_TEXTS)
    found = hotswap("build", "replay", "ollama", "--dry-run", "--json").json
    assert (found["rehearsed"], found["counters"]["written"]) == (True, 1)
    assert now(initialised.store.count(collection)) == 2
    assert initialised.embedders["ollama"].texts == texts + 2 * len(CANARY_TEXTS)
    assert control_end(initialised) == end


def test_a_lane_that_rests_is_not_replayed(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    assert hotswap("pause", "ollama", "--reason", "new disk").status == Exit.OK
    ended = hotswap("build", "replay", "ollama")
    assert ended.status == Exit.FAILED
    assert "new disk" in ended.err


def test_status_shows_each_build_of_a_lane(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    now(fill(initialised, 1, ["a", "b", "c", "d"]))
    hotswap("build", "start", "ollama")
    roles = {role["role"]: role for role in hotswap("status", "--json").json["roles"]}
    assert list(roles) == ["normalise", "embed:cloud", "embed:ollama", "embed:ollama:2"]
    first, second = roles["embed:ollama"]["build"], roles["embed:ollama:2"]["build"]
    assert (first["serves"], first["percent"]) == (True, 100.0)
    assert (second["build"], second["serves"], second["proven"]) == (2, False, False)
    assert (second["percent"], second["seconds_left"]) == (0.0, None)
    assert roles["embed:ollama:2"]["group"] == "hotswap-embed-ollama-2"
    assert roles["embed:ollama:2"]["rows"] == 0
    shown = hotswap("status").out
    assert "build 1 of ollama: serves; not verified\n" in shown
    assert "build 2 of ollama: filling, 0 %\n" in shown
    assert "of cloud:" not in shown  # it has one build, which is filled


def test_status_outlives_a_collection_that_is_gone(hotswap, initialised):
    collection = hotswap("build", "start", "ollama", "--json").json["collection"]
    now(initialised.store.drop(collection))
    roles = {role["role"]: role for role in hotswap("status", "--json").json["roles"]}
    assert roles["embed:ollama:2"]["rows"] is None


def test_status_says_what_the_configuration_asks_for_and_no_build_has(hotswap, systems):
    class Ollama(MemoryEmbedder):
        async def identify(self):
            return Fingerprint(provider="ollama", model="hash", dimensions=16)

    systems.embedders["ollama"] = Ollama(16)
    assert hotswap("init").status == Exit.OK
    ended = hotswap("status", "--json").json
    assert ended["changed"]["ollama"]["model"] == ["hash", "small"]
    said = " ".join(hotswap("status").out.split())
    assert "`hotswap build start ollama` fills a new collection" in said
