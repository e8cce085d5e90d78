"""The connector that Hotswap registers: complete by itself, and never one that loses data."""

import pytest

from streams.config import ConnectConfig, LaneConfig, Settings, SourceConfig
from streams.config.lanes import OllamaConfig
from streams.errors import ConfigurationError
from streams.services.connector import POSTGRES, connector_config
from streams.services.topics import source_topics


def settings(*topics: str, **given: str) -> Settings:
    """Sources on these topics; `given` are Connect's entries, with __ for a dot."""
    lane: LaneConfig = OllamaConfig(provider="ollama", hosts=("http://h:1",), model="m")
    return Settings(
        sources=tuple(
            SourceConfig(name=f"s{index}", topic=topic, key=("id",), text="{t}")
            for index, topic in enumerate(topics or ("cdc.public.articles",))
        ),
        lanes={"ollama": lane},
        connect=ConnectConfig(
            connector="Hot-Swap",
            config={name.replace("__", "."): value for name, value in given.items()},
        ),
    )


def test_it_is_complete_but_for_where_the_database_is():
    assert connector_config(settings("cdc.public.articles", "cdc.sales.orders")) == {
        "connector.class": POSTGRES,
        "tasks.max": "1",
        "topic.prefix": "cdc",
        "table.include.list": "public\\.articles,sales\\.orders",
        "plugin.name": "pgoutput",
        "slot.name": "hot_swap",
        "publication.name": "hot_swap",
        "publication.autocreate.mode": "filtered",
        "snapshot.mode": "initial",
        "skipped.operations": "none",
        "decimal.handling.mode": "string",
        "tombstones.on.delete": "true",
        "heartbeat.interval.ms": "10000",
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "producer.override.max.request.size": "8388608",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.cleanup.policy": "delete",
        "topic.creation.default.retention.ms": "2592000000",
        "topic.creation.default.max.message.bytes": "8388608",
    }


def test_what_the_user_gives_wins_and_an_empty_entry_removes_one():
    config = connector_config(
        settings(slot__name="mine", database__port="1", producer__override__max__request__size="")
    )
    assert config["slot.name"] == "mine"
    assert config["database.port"] == "1"
    assert "producer.override.max.request.size" not in config


def test_the_prefix_is_what_the_topics_begin_with():
    assert connector_config(settings("app.public.a", "app.s.b"))["topic.prefix"] == "app"
    config = connector_config(settings("eu.app.public.a", topic__prefix="eu.app"))
    assert config["table.include.list"] == "public\\.a"


def test_a_table_stands_in_the_list_for_itself_and_not_for_what_its_dot_matches():
    config = connector_config(settings("cdc.public.a-b_c"))
    assert config["table.include.list"] == "public\\.a-b_c"


# fmt: off
LOSSES = [
    ("skipped.operations", "t", "their rows stay as they were"),
    ("skipped.operations", "c,u", "their rows stay as they were"),
    ("decimal.handling.mode", "double", "two keys may become one"),
    ("decimal.handling.mode", "precise", "two keys may become one"),
    ("time.precision.mode", "connect", "lose microseconds"),
    ("snapshot.mode", "never", "before the connector"),
    ("snapshot.mode", "no_data", "before the connector"),
    ("snapshot.mode", "Initial_Only", "after the snapshot"),
    ("slot.drop.on.stop", "true", "while the connector is down"),
    ("errors.tolerance", "all", "leave out"),
    ("event.processing.failure.handling.mode", "skip", "leave out"),
    ("event.processing.failure.handling.mode", "warn", "leave out"),
    ("producer.override.acks", "1", "broker's failure"),
    ("unavailable.value.placeholder", "?", "embedded as if it were text"),
    ("topic.creation.default.cleanup.policy", "compact,delete", "a truncate has no key"),
    ("table.exclude.list", "public.b", "works against"),
    ("table.include.list", "public.b", "leaves out 'public.articles'"),
    ("table.include.list", "articles", "leaves out 'public.articles'"),
    ("transforms.flat.type", "io.debezium.transforms.ExtractNewRecordState", "envelope"),
]
HARMLESS = [
    ("skipped.operations", "none"),
    ("decimal.handling.mode", "STRING"),
    ("time.precision.mode", "isostring"),
    ("snapshot.mode", "when_needed"),
    ("slot.drop.on.stop", "false"),
    ("errors.tolerance", "none"),
    ("producer.override.acks", "-1"),
    ("tombstones.on.delete", "false"),
    ("table.include.list", "public.*"),
    ("table.include.list", "public.b, PUBLIC.articles"),
    ("table.include.list", "(?>public).(b|articles)"),
    ("value.converter.schemas.enable", "true"),
    ("transforms.route.type", "io.debezium.transforms.ByLogicalTableRouter"),
]
# fmt: on


@pytest.mark.parametrize(("key", "value", "why"), LOSSES)
def test_an_entry_that_would_lose_data_is_refused_by_name_with_the_reason(key, value, why):
    with pytest.raises(ConfigurationError) as caught:
        connector_config(settings(**{key: value}))
    assert caught.value.setting == f'connect.config."{key}"'
    assert why in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(("key", "value"), HARMLESS)
def test_an_entry_that_loses_nothing_is_taken_as_it_is(key, value):
    assert connector_config(settings(**{key: value}))[key] == value


@pytest.mark.parametrize(
    ("topics", "given", "setting"),
    [
        (["cdc.articles"], {}, "sources[0].topic"),
        (["cdc.a.b", "cdc.db.a.b"], {}, "sources[1].topic"),
        (["cdc.a.b", "other.a.b"], {}, 'connect.config."topic.prefix"'),
        (["cdc.a.b"], {"topic.prefix": "app"}, "sources[0].topic"),
    ],
)
def test_a_topic_that_debezium_would_not_fill_is_refused(topics, given, setting):
    with pytest.raises(ConfigurationError) as caught:
        connector_config(settings(*topics, **given))
    assert caught.value.setting == setting


def test_another_database_keeps_what_holds_for_all_and_gets_nothing_of_postgres():
    plugin = "io.debezium.connector.sqlserver.SqlServerConnector"
    config = connector_config(settings("cdc.db.dbo.a", connector__class=plugin))
    assert config["skipped.operations"] == "none"
    assert not {"plugin.name", "slot.name", "table.include.list"} & config.keys()


def test_the_tables_of_mysql_are_named_like_those_of_postgres():
    plugin = "io.debezium.connector.mysql.MySqlConnector"
    config = connector_config(settings("cdc.shop.orders", connector__class=plugin))
    assert config["table.include.list"] == "shop\\.orders"
    assert "slot.name" not in config


def test_the_sources_topics_are_made_as_connect_would_make_them():
    given = settings(topic__creation__default__partitions="3")
    (topic,) = source_topics(given, connector_config(given))
    assert (topic.name, topic.partitions, topic.replication_factor) == ("cdc.public.articles", 3, 1)
    assert topic.config == {
        "cleanup.policy": "delete",
        "retention.ms": "2592000000",
        "max.message.bytes": "8388608",
    }


def test_a_number_of_partitions_that_is_none_is_refused():
    given = settings(topic__creation__default__partitions="many")
    with pytest.raises(ConfigurationError, match="is no number above 0"):
        source_topics(given, connector_config(given))
