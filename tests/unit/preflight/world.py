"""Facts of a system on which everything is well, to be changed one at a time."""

from dataclasses import replace
from typing import Any

from schemas import Fingerprint
from streams.core.canaries import Likeness
from streams.core.preflight import Facts, judge
from streams.core.preflight.facts import (
    ConnectFacts,
    ControlFacts,
    DatabaseFacts,
    Drift,
    LaneFacts,
    MilvusFacts,
    SampleFacts,
    SlotFacts,
    SourceFacts,
    TableFacts,
    TopicFacts,
)
from streams.core.preflight.probe_facts import (
    Latency,
    LongWord,
    Pair,
    ProbeFacts,
    Refused,
    Triple,
    WireFacts,
)

__all__ = ["FINGERPRINT", "TABLE", "changed", "healthy", "of", "only", "replaced"]

FINGERPRINT = Fingerprint(provider="ollama", model="m", digest="d", dimensions=8)
TABLE = TableFacts(
    columns=frozenset({"id", "title", "body", "kind"}),
    primary_key=("id",),
    replica_identity="full",
    toastable=frozenset({"title", "body"}),
    estimated_rows=1_000,
)
SAME, APART = Pair(0.0), Pair(1.0)


def probes() -> ProbeFacts:
    return ProbeFacts(
        repeat=SAME,
        batch=SAME,
        concurrent=SAME,
        calls=2,
        canary=(Triple("a", 0.2, 1.2), Triple("b", 0.3, 1.1), Triple("c", 0.1, 1.3)),
        length_error=1e-8,
        empty=Refused("a text is empty"),
        budget_bytes=1_200,
        at_budget=APART,
        over_budget=APART,
        dense=None,
        scripts={"German": APART, "Hindi": APART},
        accents=APART,
        emoji=APART,
        long_word=LongWord(1_200, 0.1, 0.1),
        latency=Latency(0.1, 0.5, 1.0, 32, 2.0),
        call_setting="lanes.ollama.call_inputs",
    )


def healthy() -> Facts:
    return Facts(
        control=ControlFacts(
            records=3,
            migration=("cloud", "ollama"),
            wanted=("cloud", "ollama"),
            signed=False,
            key=False,
        ),
        topics=TopicFacts(
            own={"documents": Drift({}, ""), "control": Drift({}, "")},
            sources={"cdc.public.articles": 8_388_608},
            documents="documents",
            records=500,
            delete_retention_hours=720.0,
            text_budget_bytes=1_200,
            metadata_bytes=60_000,
            record_bytes=900_000,
        ),
        connect=ConnectFacts(
            name="hotswap",
            plugin="P",
            plugins=frozenset({"P"}),
            found={"skipped.operations": "none", "decimal.handling.mode": "string"},
            state="RUNNING",
            tasks=("RUNNING",),
        ),
        database=DatabaseFacts(
            version="PostgreSQL 18",
            settings={"wal_level": "logical", "max_slot_wal_keep_size": "-1"},
            slot_name="hotswap",
            plugin="pgoutput",
            slot=SlotFacts(active=True, plugin="pgoutput", behind_bytes=10, lost=False),
        ),
        sources={
            "articles": SourceFacts(
                name="articles",
                table="public.articles",
                key=("id",),
                text_columns=("title", "body"),
                metadata=("kind",),
                found=TABLE,
                published=frozenset({"insert", "update", "delete", "truncate"}),
                publication="hotswap",
            )
        },
        milvus=MilvusFacts(
            version="2.5.1",
            names={"ollama": "documents_ollama"},
            collections={"ollama": Drift({}, "")},
        ),
        lanes={
            "ollama": LaneFacts("ollama", FINGERPRINT, FINGERPRINT, Likeness("a canary", 0.9999))
        },
        probes={"ollama": probes()},
        wire={
            "ollama": WireFacts(
                texts=("one", "café"),
                document_template="doc: {text}",
                query_template="{text} ?",
                documents=(b"doc: one", "doc: café".encode()),
                queries=(b"one ?", "café ?".encode()),
            )
        },
        sample=SampleFacts(documents=16, tokens=4_000),
        prices={},
    )


def changed(area: str, **fields: Any) -> Facts:
    """The healthy facts with some of one area's changed; for mappings, of its only entry."""
    facts = healthy()
    there = getattr(facts, area)
    if isinstance(there, dict):
        ((name, one),) = there.items()
        part: Any = {name: replace(one, **fields)}
    else:
        part = replace(there, **fields)
    return replaced(facts, area, part)


def replaced(facts: Facts, area: str, part: Any) -> Facts:
    """The facts with another part."""
    parts: dict[str, Any] = {area: part}
    return replace(facts, **parts)


def of(facts: Facts, area: str, check: str) -> tuple[str, str, str]:
    """What one check says: outcome, seen, remedy."""
    (found,) = [one for one in judge(facts) if (one.area, one.check) == (area, check)]
    return str(found.outcome), found.seen, found.remedy


def only(facts: Facts) -> list[tuple[str, str, str]]:
    """Area, check and outcome of all that did not pass."""
    return [
        (one.area, one.check, str(one.outcome)) for one in judge(facts) if one.outcome != "pass"
    ]
