"""`init` brings everything about, once, and says what is not as it should be: topics."""

from dataclasses import replace

import pytest

from streams.config import KafkaConfig
from streams.errors import DriftError
from streams.ports import TopicSpec
from streams.services.steps import Action
from streams.services.topics import own_topics
from tests.unit.services.init_world import TOPICS, World, wanted


@pytest.fixture
def world(monkeypatch) -> World:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    return World()


async def test_everything_is_made_the_first_time(world):
    steps = await world.init()
    assert {step.action for step in steps.values()} == {Action.CREATED}
    assert list(steps) == [
        *(f"topic {name}" for name in TOPICS),
        "lane cloud",
        "lane ollama",
        "migration",
        "connector hotswap",
    ]
    builds = await world.builds()
    assert await world.store.collections() == sorted(b.collection for b in builds.values())
    registered = await world.connect.get("hotswap")
    assert registered["database.password"] == "hunter2"
    assert registered["table.include.list"] == "public\\.articles"


async def test_a_second_time_everything_is_kept_and_nothing_changes(world):
    await world.init()
    before = await world.everything()
    steps = await world.init()
    assert {step.action for step in steps.values()} == {Action.KEPT}
    assert await world.everything() == before


@pytest.mark.parametrize("initialised", [False, True])
async def test_a_dry_run_changes_nothing_and_says_what_would_be_done(world, initialised):
    if initialised:
        await world.init()
    before = await world.everything()
    steps = await world.init(dry_run=True)
    assert await world.everything() == before
    expected = Action.KEPT if initialised else Action.WOULD_CREATE
    assert {step.action for step in steps.values()} == {expected}


async def test_a_dry_run_and_a_real_one_name_the_same_things(world):
    dry = await world.init(dry_run=True)
    assert {embedder.calls for embedder in world.embedders.values()} == {0}
    real = await world.init()
    assert [(s.name, s.detail) for s in dry.values() if "connector" not in s.name] == [
        (s.name, s.detail) for s in real.values() if "connector" not in s.name
    ]


async def test_topics_have_the_configuration_that_losing_nothing_needs(world):
    await world.init()
    documents = await world.log.describe("documents")
    assert documents.partitions == 12
    assert documents.config["cleanup.policy"] == "compact"
    assert documents.config["delete.retention.ms"] == str(30 * 24 * 3_600_000)
    assert documents.config["min.compaction.lag.ms"] == "600000"
    assert int(documents.config["max.message.bytes"]) > 900_000
    control = await world.log.describe("control")
    assert control.partitions == 1
    assert control.config["retention.ms"] == "-1"
    assert control.config["message.timestamp.type"] == "LogAppendTime"
    observations = await world.log.describe("observations")
    assert observations.config["message.timestamp.type"] == "LogAppendTime"


def test_with_three_replicas_two_must_have_a_record():
    settings = wanted().model_copy(
        update={"kafka": KafkaConfig.model_validate({"topics": {"replication_factor": 3}})}
    )
    for spec in own_topics(settings):
        if spec.name != "observations":
            assert spec.config["min.insync.replicas"] == "2"
        assert spec.replication_factor == 3


async def test_drift_of_a_topic_names_each_difference_and_nothing_is_made(world):
    await world.log.create(TopicSpec("documents", 6, 1, {"cleanup.policy": "delete"}))
    before = await world.everything()
    with pytest.raises(DriftError) as caught:
        await world.init()
    drift = caught.value
    assert drift.subject == "topic documents"
    assert drift.differences["partitions"] == (12, 6)
    assert drift.differences["cleanup.policy"] == ("compact", "delete")
    assert drift.differences["delete.retention.ms"] == ("2592000000", None)
    assert "--entity-name documents --add-config" in drift.remedy
    assert "cleanup.policy=compact" in drift.remedy
    assert await world.everything() == before


async def test_drift_of_several_topics_is_named_at_once(world):
    await world.init()
    fewer = world.settings.kafka.model_copy(
        update={
            "topics": world.settings.kafka.topics.model_copy(
                update={"dead_letters_partitions": 9, "delete_retention_hours": 1}
            )
        }
    )
    world.settings = world.settings.model_copy(update={"kafka": fewer})
    with pytest.raises(DriftError) as caught:
        await world.init()
    assert set(caught.value.differences) == {
        "documents delete.retention.ms",
        "dead-letters partitions",
    }


async def test_what_a_broker_adds_to_a_topic_is_no_drift(world):
    for spec in own_topics(world.settings):
        await world.log.create(replace(spec, config={**spec.config, "segment.ms": "1"}))
    assert (await world.init())["topic documents"].action is Action.KEPT
