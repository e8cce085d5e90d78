"""What a preflight sees of the connector, and of the database behind it."""

from collections.abc import Mapping

from streams.config import Settings, SourceConfig
from streams.core.preflight.facts import (
    ConnectFacts,
    DatabaseFacts,
    Drift,
    SlotFacts,
    SourceFacts,
    TableFacts,
)
from streams.errors import ConfigurationError, DriftError
from streams.ports import Connect, Database, Publication, Table
from streams.services import open as opening
from streams.services.connector import connector_config
from streams.services.registration import register

__all__ = ["look_at_connect", "look_at_database"]

_SERVER_SETTINGS = ("wal_level", "max_slot_wal_keep_size")
_RESELECT = "ReselectColumnsPostProcessor"


async def look_at_connect(settings: Settings) -> ConnectFacts:
    """The connector as it is registered, beside what `hotswap init` would register.

    Raises: ConfigurationError, TransientError.
    """
    config = connector_config(settings)
    connect = opening.open_connect(settings)
    try:
        name, plugin = settings.connect.connector, config["connector.class"]
        plugins = await connect.plugins()
        found = await connect.get(name)
        status = await connect.status(name)
        comparable = found is not None and plugin in plugins
        return ConnectFacts(
            name=name,
            plugin=plugin,
            plugins=plugins,
            found=None if found is None else _without_secrets(found, settings),
            drift=await _drift(settings, config, connect) if comparable else None,
            state=status.state if status else "",
            tasks=status.tasks if status else (),
            problem=status.problem if status else "",
        )
    finally:
        await connect.close()


async def _drift(settings: Settings, config: Mapping[str, str], connect: Connect) -> Drift | None:
    try:
        await register(settings.connect, config, connect, dry_run=True, force=False)
    except DriftError as error:
        return Drift(error.differences, error.remedy)
    except ConfigurationError as error:
        if error.setting != "connect.config":  # which says that it failed; its status does, too
            raise
    return None


def _without_secrets(found: Mapping[str, str], settings: Settings) -> dict[str, str]:
    return {
        key: value
        for key, value in found.items()
        if key not in settings.connect.secrets and "password" not in key
    }


async def look_at_database(settings: Settings) -> tuple[DatabaseFacts, dict[str, SourceFacts]]:
    """The server, the connector's slot and publication, and each source's table.

    Raises: ConfigurationError, TransientError.
    """
    config = connector_config(settings)
    database = opening.open_database(settings)
    try:
        publication = await database.publication(config.get("publication.name", ""))
        facts = DatabaseFacts(
            version=await database.version(),
            settings=await database.settings(_SERVER_SETTINGS),
            slot_name=config.get("slot.name", ""),
            plugin=config.get("plugin.name", ""),
            slot=await _slot(database, config.get("slot.name", "")),
        )
        sources = {
            source.name: await _source(database, source, config, publication)
            for source in settings.sources
        }
    finally:
        await database.close()
    return facts, sources


async def _slot(database: Database, name: str) -> SlotFacts | None:
    slot = await database.slot(name)
    if slot is None:
        return None
    return SlotFacts(slot.active, slot.plugin, slot.behind_bytes, slot.lost)


async def _source(
    database: Database,
    source: SourceConfig,
    config: Mapping[str, str],
    publication: Publication | None,
) -> SourceFacts:
    table = source.topic.removeprefix(f"{config['topic.prefix']}.")
    published = None
    if publication is not None:
        published = publication.operations if table in publication.tables else frozenset[str]()
    return SourceFacts(
        name=source.name,
        table=table,
        key=source.key,
        text_columns=source.text_columns,
        metadata=source.metadata,
        found=_table(await database.table(table)),
        published=published,
        publication=config.get("publication.name", ""),
        reselected=any(_RESELECT in value for value in config.values()),
        key_given=table in config.get("message.key.columns", ""),
    )


def _table(found: Table | None) -> TableFacts | None:
    if found is None:
        return None
    return TableFacts(
        columns=frozenset(found.columns),
        primary_key=found.primary_key,
        replica_identity=str(found.replica_identity),
        toastable=found.toastable,
        estimated_rows=found.estimated_rows,
    )
