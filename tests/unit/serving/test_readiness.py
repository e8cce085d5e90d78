"""Ready once a lane that may answer has shown to be the right one, and from then on."""

from schemas import Fingerprint
from streams.errors import TransientError


async def test_it_is_ready_once_a_lane_that_may_answer_is_as_built(world):
    world.readable = frozenset({"cloud"})
    world.folded = False
    async with world.serving() as serving:
        assert not serving.readiness()["ready"]
        world.folded = True
        identity = world.identity(serving.models, "cloud")
        live, identity.live = identity.live, None
        found = serving.readiness()
        assert (found["ready"], found["lanes"]["ollama"]["model"]) == (False, "as built")
        assert found["lanes"]["cloud"]["model"] == "unknown"
        identity.live = live
        assert serving.readiness()["ready"]


async def test_it_stays_ready_when_kafka_or_a_lane_goes_away(world):
    async with world.serving() as serving:
        assert serving.readiness()["ready"]
        world.age = 3_600.0
        identity = world.identity(serving.models, "cloud")
        identity.problem = TransientError("away")
        identity.live = Fingerprint(provider="memory", model="another", dimensions=8)
        del world.builds["ollama"]
        found = serving.readiness()
    assert found["ready"]
    assert found["control"] == {
        "folded": True,
        "defines_migration": True,
        "problem": None,
        "control_age_seconds": 3_600.0,
    }
    assert found["lanes"]["cloud"] == {
        "model": "changed",
        "build": 1,
        "breaker": "closed",
        "problem": "away",
        "other_builds": {},
    }
    assert found["lanes"]["ollama"]["model"] == "not built"
