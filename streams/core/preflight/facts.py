"""What a preflight knows of the systems around: values, gathered by somebody else.

A fact that could not be had is `Unreachable`, which no check takes for a good sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas import Fingerprint
from streams.core.canaries import Likeness

__all__ = [
    "ConnectFacts",
    "ControlFacts",
    "DatabaseFacts",
    "Drift",
    "LaneFacts",
    "MilvusFacts",
    "SampleFacts",
    "Skipped",
    "SlotFacts",
    "SourceFacts",
    "TableFacts",
    "TopicFacts",
    "Unreachable",
]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Why something could not be looked at, and what to do about it."""

    error: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why something was not looked at on purpose."""

    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Something is there, but not as it must be. `differences`: name → (wanted, found)."""

    differences: Mapping[str, tuple[object, object]]
    remedy: str


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A source's table, as its database describes it.

    Attributes:
        columns: their names.
        primary_key: its columns; empty if there is none.
        replica_identity: `default`, `full`, `index` or `nothing`.
        toastable: columns that a change event may lack.
        estimated_rows: by the database's statistics; None if there are none.
    """

    columns: frozenset[str]
    primary_key: tuple[str, ...]
    replica_identity: str
    toastable: frozenset[str] = frozenset()
    estimated_rows: int | None = None


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One configured source and its table.

    Attributes:
        name: of the source.
        table: `schema.table`.
        key: its configured key columns.
        text_columns: those that its template names.
        metadata: columns kept beside the vector.
        found: the table; None if there is none.
        published: operations that the publication has for it; empty if it leaves the table
            out; None if there is no publication.
        publication: its name.
        reselected: the connector fetches columns that an event lacks.
        key_given: the connector makes keys of its own (`message.key.columns`).
    """

    name: str
    table: str
    key: tuple[str, ...]
    text_columns: tuple[str, ...]
    metadata: tuple[str, ...]
    found: TableFacts | None
    published: frozenset[str] | None
    publication: str
    reselected: bool = False
    key_given: bool = False


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """The connector's replication slot; `behind_bytes` as the database counts them."""

    active: bool
    plugin: str
    behind_bytes: int
    lost: bool


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """The source database's server. `slot`: None if there is none of that name."""

    version: str
    settings: Mapping[str, str]
    slot_name: str
    plugin: str
    slot: SlotFacts | None


@dataclass(frozen=True, slots=True)
class ConnectFacts:
    """The Debezium connector.

    Attributes:
        name: of the connector.
        plugin: its class.
        plugins: classes that can be registered.
        found: its configuration without secrets; None if it is not registered.
        drift: what differs from what `hotswap init` would register.
        state: of the connector, RUNNING and so on; empty if there is none.
        tasks: their states.
        problem: why the first one failed, in one line.
    """

    name: str
    plugin: str
    plugins: frozenset[str]
    found: Mapping[str, str] | None
    drift: Drift | None = None
    state: str = ""
    tasks: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """The topics.

    Attributes:
        own: Hotswap's own topic → what differs; None for one that does not exist.
        sources: topic of a source → its largest record in bytes; None if it does not exist.
        documents: the name of that topic.
        records: of `documents`, as far as its ends tell: more than there are documents.
        delete_retention_hours: how long `documents` keeps tombstones; None if not known.
        text_budget_bytes: to which documents are cut.
        metadata_bytes: most of one document's metadata.
        record_bytes: the largest record that is produced.
    """

    own: Mapping[str, Drift | None]
    sources: Mapping[str, int | None]
    documents: str
    records: int
    delete_retention_hours: float | None
    text_budget_bytes: int
    metadata_bytes: int
    record_bytes: int


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """Some of the documents that there are. `tokens`: of all their texts, estimated."""

    documents: int
    tokens: int


@dataclass(frozen=True, slots=True)
class MilvusFacts:
    """The Milvus server.

    Attributes:
        version: as it tells it; empty if it does not, as Milvus Lite.
        names: lane → the collection of its serving build; a lane without one is left out.
        collections: lane → what differs, nothing if all is well; None if it does not exist.
    """

    version: str
    names: Mapping[str, str]
    collections: Mapping[str, Drift | None]


@dataclass(frozen=True, slots=True)
class ControlFacts:
    """The control log.

    Attributes:
        records: how many it has.
        migration: (source, target) as it is defined; None if it is not.
        wanted: (source, target) by the settings; None if they leave it open.
        signed: the migration was defined by a signed record.
        key: a control key is configured here.
    """

    records: int
    migration: tuple[str, str] | None
    wanted: tuple[str, str] | None
    signed: bool
    key: bool


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """A lane's model, as its serving build pinned it and as it is.

    Attributes:
        name: of the lane.
        pinned: its fingerprint; None: nothing was ever pinned.
        live: the fingerprint of the live model.
        canaries: the canary that has moved farthest; None: none were pinned. Looked at only if
            the fingerprints agree.
    """

    name: str
    pinned: Fingerprint | None
    live: Fingerprint
    canaries: Likeness | Unreachable | None = None
