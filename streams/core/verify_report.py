"""From findings to a report: counts, at most ten samples each, and the verdict.

The same findings give the same report, in whatever order they came.
"""

from collections import Counter
from collections.abc import Mapping

from schemas.verify import Finding, Verdict, VerifySample

__all__ = ["MAX_SAMPLES", "Tally", "conclude"]

MAX_SAMPLES = 10
_TRIM_AT = 500


class Tally:
    """Counts findings by shard and keeps the first samples of each by shard and id."""

    def __init__(self) -> None:
        self._counts: dict[int, Counter[Finding]] = {}
        self._samples: dict[Finding, list[VerifySample]] = {}

    def add(self, finding: Finding, sample: VerifySample) -> None:
        """Count one finding."""
        self.count(finding, sample.shard)
        kept = self._samples.setdefault(finding, [])
        kept.append(sample)
        if len(kept) >= _TRIM_AT:
            self._samples[finding] = _first(kept)

    def count(self, finding: Finding, shard: int, how_many: int = 1) -> None:
        """Count findings without a sample."""
        self._counts.setdefault(shard, Counter())[finding] += how_many

    def shard(self, shard: int) -> dict[Finding, int]:
        """Findings that occurred in a shard."""
        counts = self._counts.get(shard, Counter())
        return {finding: counts[finding] for finding in Finding if counts[finding]}

    def totals(self) -> dict[Finding, int]:
        """All findings, also those that did not occur."""
        total = sum(self._counts.values(), Counter[Finding]())
        return {finding: total[finding] for finding in Finding}

    def samples(self) -> dict[Finding, tuple[VerifySample, ...]]:
        """At most ten of each finding that occurred."""
        return {
            finding: tuple(_first(self._samples[finding]))
            for finding in Finding
            if finding in self._samples
        }


def _first(samples: list[VerifySample]) -> list[VerifySample]:
    return sorted(samples, key=lambda sample: (sample.shard, sample.id))[:MAX_SAMPLES]


def conclude(
    *,
    documents: int,
    counts: Mapping[Finding, int],
    lag: Mapping[int, int],
    fingerprint_differences: Mapping[str, object],
) -> tuple[Verdict, str]:
    """The verdict and the reason for it.

    Dead letters do not break a clean verdict: a lane owes `documents` minus its dead letters.
    """
    if lag:
        partitions = ", ".join(map(str, sorted(lag)))
        return Verdict.INCONCLUSIVE, (
            f"the lane still lacks {sum(lag.values()):,} records of partition {partitions};"
            " nothing was compared"
        )
    found = [
        f"{counts[finding]:,} {finding.replace('_', ' ')}"
        for finding in Finding
        if counts[finding] and finding is not Finding.DEAD_LETTERED
    ]
    if fingerprint_differences:
        names = ", ".join(sorted(fingerprint_differences))
        found.append(f"the collection is another model's ({names})")
    dead = counts[Finding.DEAD_LETTERED]
    if found:
        return Verdict.DIFFERENT, ", ".join(found) + (f"; {dead:,} dead-lettered" if dead else "")
    clean = f"{documents - dead:,} documents, each with its row"
    if dead:
        plural = "document has a dead letter" if dead == 1 else "documents have dead letters"
        clean += f"; {dead:,} {plural} instead"
    return Verdict.CLEAN, clean
