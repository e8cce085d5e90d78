"""What every adapter of the port Connect does."""

import pytest

from streams.errors import ConfigurationError
from streams.ports import ConnectorStatus
from streams.services.connector import POSTGRES
from tests.waiting import until


async def runs(rig) -> bool:
    status = await rig.connect.status(rig.name)
    return bool(status == ConnectorStatus("RUNNING", ("RUNNING",)))


async def test_the_plugins_are_named_by_their_class(rig):
    assert POSTGRES in await rig.connect.plugins()


async def test_a_connector_that_was_never_registered_is_none(rig):
    assert await rig.connect.get(rig.name) is None
    assert await rig.connect.status(rig.name) is None


async def test_what_was_registered_is_given_back_with_its_name_and_secrets(rig):
    await rig.register()
    assert await rig.connect.get(rig.name) == {
        **rig.config,
        "database.password": rig.secrets["database.password"].get_secret_value(),
        "name": rig.name,
    }


async def test_a_registered_connector_comes_to_run(rig):
    await rig.register()
    await until(lambda: runs(rig), "the connector runs")


async def test_registering_again_replaces_the_configuration(rig):
    await rig.register(tasks_max="1", heartbeat_topics_prefix="beat")
    await rig.register()
    assert "heartbeat.topics.prefix" not in await rig.connect.get(rig.name)


async def test_a_plugin_that_is_not_there_is_refused(rig):
    with pytest.raises(ConfigurationError, match=r"no\.such\.Connector"):
        await rig.register(connector_class="no.such.Connector")
    assert await rig.connect.get(rig.name) is None


async def test_a_configuration_without_a_class_is_refused(rig):
    del rig.config["connector.class"]
    with pytest.raises(ConfigurationError, match=r"connect\.config"):
        await rig.register()


async def test_a_connector_that_was_deleted_is_none_and_deleting_again_is_no_error(rig):
    await rig.register()
    await rig.connect.delete(rig.name)
    await rig.connect.delete(rig.name)

    async def gone() -> bool:
        return await rig.connect.status(rig.name) is None

    await until(gone, "the connector's status is gone")
    assert await rig.connect.get(rig.name) is None


async def test_restarting_a_connector_that_is_not_there_names_it(rig):
    with pytest.raises(ConfigurationError, match=rig.name):
        await rig.connect.restart(rig.name)


async def test_restarting_a_connector_that_runs_leaves_it_running(rig):
    await rig.register()
    await until(lambda: runs(rig), "the connector runs")
    await rig.connect.restart(rig.name)
    await until(lambda: runs(rig), "the connector runs again")
