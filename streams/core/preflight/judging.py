"""All checks over all facts, in the order in which a report shows them."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.preflight import CheckResult
from streams.core.preflight.connect_checks import CONNECT_CHECKS, CONNECTOR_CHECKS
from streams.core.preflight.facts import (
    ConnectFacts,
    ControlFacts,
    DatabaseFacts,
    LaneFacts,
    MilvusFacts,
    SampleFacts,
    Skipped,
    SourceFacts,
    TopicFacts,
    Unreachable,
)
from streams.core.preflight.lane_checks import PROBE_CHECKS, canary_vectors, fingerprint
from streams.core.preflight.probe_facts import Latency, ProbeFacts, WireFacts
from streams.core.preflight.results import unreachable, warn
from streams.core.preflight.source_checks import DATABASE_CHECKS, SOURCE_CHECKS, TABLE_CHECKS
from streams.core.preflight.speed_checks import SPEED_CHECKS
from streams.core.preflight.system_checks import (
    CONTROL_CHECKS,
    backfill_fits,
    milvus_collections,
    milvus_version,
    topics,
)
from streams.core.preflight.wire_checks import same_bytes

__all__ = ["Facts", "judge"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a preflight looked at. `Skipped`: there is nothing to look at.

    Attributes:
        sample: of the documents that there are; none of them may be there yet.
        prices: lane → what a million tokens cost; those without a price are left out.
    """

    control: ControlFacts | Unreachable
    topics: TopicFacts | Unreachable
    connect: ConnectFacts | Unreachable | Skipped
    database: DatabaseFacts | Unreachable | Skipped
    sources: Mapping[str, SourceFacts | Unreachable]
    milvus: MilvusFacts | Unreachable
    lanes: Mapping[str, LaneFacts | Unreachable]
    probes: Mapping[str, ProbeFacts | Unreachable]
    wire: Mapping[str, WireFacts | Unreachable]
    sample: SampleFacts
    prices: Mapping[str, float]

    @property
    def documents(self) -> int:
        """At most so many: records of `documents`, or rows of the tables if those are more."""
        records = 0 if isinstance(self.topics, Unreachable) else self.topics.records
        rows = [
            source.found.estimated_rows or 0
            for source in self.sources.values()
            if isinstance(source, SourceFacts) and source.found is not None
        ]
        return max(records, sum(rows))

    @property
    def rates(self) -> dict[str, float]:
        """Lane → documents per second of one call at a time, where that could be measured."""
        return {
            lane: probes.latency.documents_per_second
            for lane, probes in self.probes.items()
            if isinstance(probes, ProbeFacts) and isinstance(probes.latency, Latency)
        }


def judge(facts: Facts) -> list[CheckResult]:
    """What every check says. Of what could not be looked at, one failure tells why."""
    return [
        *_control(facts.control),
        *_database(facts),
        *_connect(facts.connect),
        *_topics(facts),
        *_milvus(facts.milvus),
        *_lanes(facts),
        *same_bytes(facts.wire),
    ]


def _control(facts: ControlFacts | Unreachable) -> list[CheckResult]:
    if isinstance(facts, Unreachable):
        return [unreachable("control", "readable", facts)]
    return [check(facts) for check in CONTROL_CHECKS]


def _database(facts: Facts) -> list[CheckResult]:
    if isinstance(facts.database, Unreachable):
        return [unreachable("database", "reachable", facts.database)]
    if isinstance(facts.database, Skipped):
        return [warn("database", "looked at", facts.database.why, facts.database.remedy)]
    results = [check(facts.database) for check in DATABASE_CHECKS]
    for name, source in facts.sources.items():
        if isinstance(source, Unreachable):
            results.append(unreachable(f"source {name}", "table", source))
            continue
        results += [check(source) for check in SOURCE_CHECKS]
        if source.found is not None:
            results += [check(source, source.found) for check in TABLE_CHECKS]
    return results


def _connect(facts: ConnectFacts | Unreachable | Skipped) -> list[CheckResult]:
    if isinstance(facts, Unreachable):
        return [unreachable("connect", "reachable", facts)]
    if isinstance(facts, Skipped):
        return [warn("connect", "looked at", facts.why, facts.remedy)]
    results = [check(facts) for check in CONNECT_CHECKS]
    if facts.found is not None:
        results += [check(facts) for check in CONNECTOR_CHECKS]
    return results


def _topics(facts: Facts) -> list[CheckResult]:
    if isinstance(facts.topics, Unreachable):
        return [unreachable("topics", "reachable", facts.topics)]
    fits = backfill_fits(facts.topics, facts.documents, facts.rates)
    return [*topics(facts.topics), *fits]


def _milvus(facts: MilvusFacts | Unreachable) -> list[CheckResult]:
    if isinstance(facts, Unreachable):
        return [unreachable("milvus", "reachable", facts)]
    return [milvus_version(facts), *milvus_collections(facts)]


def _lanes(facts: Facts) -> list[CheckResult]:
    results = []
    for name, lane in facts.lanes.items():
        if isinstance(lane, Unreachable):
            results.append(unreachable(f"lane {name}", "reachable", lane))
            continue
        results.append(fingerprint(lane))
        if lane.pinned == lane.live:
            results.append(canary_vectors(lane))
        probes = facts.probes.get(name)
        if isinstance(probes, Unreachable):
            results.append(unreachable(f"lane {name}", "probes", probes))
        elif probes is not None:
            results += [check(name, probes) for check in (*PROBE_CHECKS, *SPEED_CHECKS)]
    return results
