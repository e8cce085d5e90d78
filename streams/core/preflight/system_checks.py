"""Whether topics, Milvus and the control log are as Hotswap relies on them."""

import re
from collections.abc import Callable, Iterator

from schemas.preflight import CheckResult
from streams.core.estimate import retention_covers
from streams.core.preflight.facts import ControlFacts, MilvusFacts, TopicFacts
from streams.core.preflight.results import fail, ok, said, warn

__all__ = ["CONTROL_CHECKS", "backfill_fits", "milvus_collections", "milvus_version", "topics"]

_INIT = "run `hotswap init`"
_OLDEST_TESTED = (2, 3)
_ESCAPED = 2
"""JSON writes a quote or a line's end in two bytes. Control characters, in six, are rare."""
_RECORD_HEAD_BYTES = 4_096
"""Id, key, hash and names of a document."""


def topics(facts: TopicFacts) -> Iterator[CheckResult]:
    """Each of Hotswap's own topics, those of the sources, and the sizes of records."""
    area = "topics"
    for name, drift in facts.own.items():
        if drift is None:
            yield fail(area, name, "does not exist", _INIT)
        elif drift.differences:
            yield fail(area, name, said(drift), drift.remedy)
        else:
            yield ok(area, name, "as specified")
    for name, largest in facts.sources.items():
        if largest is None:
            yield fail(area, name, "does not exist", _INIT)
        elif largest < facts.record_bytes:
            yield warn(
                area,
                name,
                f"takes records of {largest:,} bytes, a document may have {facts.record_bytes:,}",
                f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config"
                " max.message.bytes=8388608",
            )
        else:
            yield ok(area, name, f"takes events of {largest:,} bytes")
    yield record_sizes(facts)


def record_sizes(facts: TopicFacts) -> CheckResult:
    """Whether the longest text fits into a record."""
    area, check = "topics", "record size"
    plain = facts.text_budget_bytes + facts.metadata_bytes + _RECORD_HEAD_BYTES
    escaped = plain + (_ESCAPED - 1) * facts.text_budget_bytes
    seen = f"limits.record_bytes is {facts.record_bytes:,}, a document has up to {escaped:,}"
    if facts.record_bytes >= escaped:
        return ok(area, check, seen)
    remedy = f"raise limits.record_bytes to {escaped:,}, or lower the lanes' text_budget_bytes"
    return (fail if facts.record_bytes < plain else warn)(area, check, seen, remedy)


def backfill_fits(
    facts: TopicFacts, documents: int, rates: dict[str, float]
) -> Iterator[CheckResult]:
    """Whether each lane is through with `documents` before tombstones vanish from it.

    Args:
        facts: the topics.
        documents: how many there are to embed.
        rates: lane → documents per second, as measured.
    """
    area, retention = "topics", facts.delete_retention_hours
    for lane, rate in rates.items():
        check = f"delete.retention.ms for {lane}"
        if retention is None or rate <= 0:
            yield fail(area, check, "could not be compared with a backfill", _INIT)
            continue
        coverage = retention_covers(documents, rate, retention)
        seen = (
            f"{retention:,.1f} h; {documents:,} documents at {rate:,.1f}/s take"
            f" {coverage.backfill_hours:,.1f} h"
        )
        remedy = (
            "raise kafka.topics.delete_retention_hours, and the topic with it:"
            f" kafka-configs.sh --alter --entity-type topics --entity-name {facts.documents}"
            f" --add-config delete.retention.ms={coverage.wanted_hours * 3_600_000}"
        )
        if not coverage.enough:
            yield fail(area, check, f"{seen}: deletes would be missed", remedy)
        elif not coverage.roomy:
            yield warn(area, check, f"{seen}: little room for pauses", remedy)
        else:
            yield ok(area, check, seen)


def milvus_version(facts: MilvusFacts) -> CheckResult:
    """Whether the server is one that Hotswap is tested with, or newer."""
    found = re.search(r"(\d+)\.(\d+)", facts.version)
    if found is None:
        seen = repr(facts.version) if facts.version else "not told, as by Milvus Lite"
        return warn("milvus", "version", seen, "make sure that it is Milvus 2.3 or later")
    if (int(found[1]), int(found[2])) < _OLDEST_TESTED:
        return warn(
            "milvus", "version", f"{facts.version}; tested from 2.3 on", "upgrade Milvus to 2.3"
        )
    return ok("milvus", "version", facts.version)


def milvus_collections(facts: MilvusFacts) -> Iterator[CheckResult]:
    """Whether each lane's collection is there, with its fields and the pinned fingerprint."""
    for lane, drift in facts.collections.items():
        check, name = f"collection of {lane}", facts.names[lane]
        if drift is None:
            yield fail(
                "milvus",
                check,
                f"{name} does not exist",
                "restore it from a backup, or start a new build of this lane",
            )
        elif drift.differences:
            yield fail("milvus", check, f"{name}: {said(drift)}", drift.remedy)
        else:
            yield ok("milvus", check, f"{name}: fields and fingerprint as pinned")


def defined(facts: ControlFacts) -> CheckResult:
    """Whether the log says from which lane to which."""
    if facts.migration is None:
        return fail(
            "control",
            "migration",
            "none is defined",
            "set migration.source and migration.target, then run `hotswap init`"
            if facts.wanted is None
            else _INIT,
        )
    way = f"from {facts.migration[0]} to {facts.migration[1]}"
    if facts.wanted is not None and facts.wanted != facts.migration:
        return fail(
            "control",
            "migration",
            f"{way}; the settings say from {facts.wanted[0]} to {facts.wanted[1]}",
            "put migration.source and migration.target back, or run `hotswap init`",
        )
    return ok("control", "migration", way)


def readable(facts: ControlFacts) -> CheckResult:
    """That the log could be read to its end."""
    return ok("control", "readable", f"{facts.records:,} records")


def signatures(facts: ControlFacts) -> CheckResult:
    """Whether what is appended here will be obeyed by processes that ask for signatures."""
    if facts.signed and not facts.key:
        return fail(
            "control",
            "signatures",
            "the log is signed, but no key is configured here: others reject what comes from here",
            "configure control.key as the other processes have it",
        )
    if facts.key:
        return ok("control", "signatures", "asked for; a key is configured")
    return ok("control", "signatures", "none asked for: who can write to Kafka can give orders")


CONTROL_CHECKS: tuple[Callable[[ControlFacts], CheckResult], ...] = (readable, signatures, defined)
