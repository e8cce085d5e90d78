"""A verdict counts for what stood in the control log before the snapshot, and no further."""

from typing import Any

import pytest

from schemas import Stage, StageSet, Verdict, VerifyEvidence
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import Settings
from streams.errors import ConfigurationError
from streams.migration.verdicts import Accepted, Held
from streams.ports import TopicSpec
from streams.services.control import ControlLog
from streams.services.orders import order, rehearse
from streams.services.verify_lane import Verified, record, verify_lane
from tests.unit.services.control_world import FINGERPRINT, control_log, migration, send

SETTINGS = Settings.model_validate(
    {
        "kafka": {"topics": {"documents_partitions": 2}},
        "sources": [{"name": "s", "topic": "cdc.s", "key": ["id"], "text": "{t}"}],
        "lanes": {
            "cloud": {
                "provider": "openai",
                "model": "m",
                "dimensions": 8,
                "api_key": {"env": "CLOUD_KEY"},
            },
            "ollama": {"provider": "ollama", "hosts": ["http://127.0.0.1:1"], "model": "m"},
        },
    }
)
FORCED: dict[str, Any] = {"by": "ann", "reason": "a test", "force": True}


@pytest.fixture
async def log() -> MemoryLog:
    log = await control_log(migration())
    for topic in ("documents", "dead-letters"):
        await log.create(TopicSpec(topic, partitions=2, replication_factor=1))
    return log


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    await store.create("documents_ollama", FINGERPRINT)
    return store


async def verified_while(log, store, control, meanwhile) -> Verified:
    """Verify the lane; `meanwhile` is appended after the verify has begun."""
    ends = log.ends

    async def ends_and_append(topic):
        found = await ends(topic)
        if topic == "documents" and meanwhile:
            await send(log, meanwhile.pop())
        return found

    log.ends = ends_and_append
    try:
        return await verify_lane(SETTINGS, "ollama", control, log, store, wait_seconds=0)
    finally:
        log.ends = ends


async def test_the_evidence_says_what_was_found_and_of_which_build(log, store):
    control = ControlLog(log, "control")
    await send(log, StageSet(id="1", to=Stage.DUALWRITE, **FORCED))
    verified = await verified_while(log, store, control, [])
    outcome = await record(control, verified, "ann")
    evidence = outcome.folded.command
    assert isinstance(evidence, VerifyEvidence)
    assert (evidence.lane, evidence.build, evidence.verdict) == ("ollama", 1, Verdict.CLEAN)
    assert (evidence.as_of, evidence.by, evidence.counts) == (3, "ann", {})
    assert control.state.lanes["ollama"].fully_written


async def test_an_order_that_comes_during_the_verify_is_not_covered_by_it(log, store):
    control = ControlLog(log, "control")
    dualwrite = StageSet(id="1", to=Stage.DUALWRITE, **FORCED)
    verified = await verified_while(log, store, control, [dualwrite])
    assert verified.as_of == 2
    outcome = await record(control, verified, "ann")
    assert isinstance(outcome.folded.verdict, Accepted)
    assert control.state.stage is Stage.DUALWRITE
    assert not control.state.lanes["ollama"].fully_written
    shadow = rehearse(control, StageSet(id="2", to=Stage.SHADOW, **FORCED), 0)
    assert isinstance(shadow.folded.verdict, Held)


async def test_what_was_appended_before_the_verify_is_covered_though_nobody_had_read_it(log, store):
    control = ControlLog(log, "control")
    await control.refresh()
    await send(log, StageSet(id="1", to=Stage.DUALWRITE, **FORCED))
    verified = await verified_while(log, store, control, [])
    assert verified.as_of == 3
    await record(control, verified, "ann")
    outcome = await order(control, StageSet(id="2", by="ann", to=Stage.SHADOW))
    assert isinstance(outcome.folded.verdict, Accepted)


async def test_findings_that_did_not_occur_are_left_out_of_the_evidence(log, store):
    control = ControlLog(log, "control")
    await store.drop("documents_ollama")
    await store.create("documents_ollama", FINGERPRINT.model_copy(update={"digest": "other"}))
    verified = await verified_while(log, store, control, [])
    evidence = (await record(control, verified, "ann")).folded.command
    assert isinstance(evidence, VerifyEvidence)
    assert evidence.verdict is Verdict.DIFFERENT
    assert 0 not in evidence.counts.values()


async def test_a_verify_without_the_vectors_is_no_evidence(log, store):
    control = ControlLog(log, "control")
    verified = await verify_lane(
        SETTINGS, "ollama", control, log, store, wait_seconds=0, vectors=False
    )
    end = await log.ends("control")
    with pytest.raises(ValueError, match="is no evidence"):
        await record(control, verified, "ann")
    assert await log.ends("control") == end


async def test_a_lane_that_was_never_started_can_not_be_verified(store):
    log = await control_log([])
    control = ControlLog(log, "control")
    with pytest.raises(ConfigurationError, match="hotswap init"):
        await verify_lane(SETTINGS, "ollama", control, log, store, wait_seconds=0)
