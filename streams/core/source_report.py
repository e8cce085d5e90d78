"""From what is the matter with rows to a report: counts, samples, and the verdict.

The same findings give the same report, in whatever order they came.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from operator import attrgetter
from typing import Final

from schemas.source_verify import SourceFinding, SourceResult, SourceSample
from schemas.verify import Verdict
from streams.core.source_comparison import Suspect, in_words, name_of

__all__ = ["MAX_SAMPLES", "SourceTally", "conclude"]

MAX_SAMPLES: Final = 10
_TRIM_AT: Final = 500


class SourceTally:
    """Counts the findings of one source and keeps the first samples of each by id."""

    def __init__(self) -> None:
        self._counts: Counter[SourceFinding] = Counter()
        self._samples: dict[SourceFinding, list[SourceSample]] = {}

    def add(self, finding: SourceFinding, suspect: Suspect) -> None:
        """Count one finding."""
        self._counts[finding] += 1
        expected, found = in_words(suspect.expected, suspect.found)
        kept = self._samples.setdefault(finding, [])
        kept.append(SourceSample(id=name_of(suspect.reference), expected=expected, found=found))
        if len(kept) >= _TRIM_AT:
            self._samples[finding] = _first(kept)

    def counts(self) -> dict[SourceFinding, int]:
        """All findings, also those that did not occur."""
        return {finding: self._counts[finding] for finding in SourceFinding}

    def samples(self) -> dict[SourceFinding, tuple[SourceSample, ...]]:
        """At most ten of each finding that occurred."""
        return {
            finding: tuple(_first(self._samples[finding]))
            for finding in SourceFinding
            if finding in self._samples
        }


def _first(samples: list[SourceSample]) -> list[SourceSample]:
    return nsmallest(MAX_SAMPLES, samples, key=attrgetter("id"))


def conclude(
    sources: Sequence[SourceResult], *, lag: Mapping[str, int], stream: str
) -> tuple[Verdict, str]:
    """The verdict and the reason for it.

    Dead letters do not break a clean verdict, nor do rows whose changes keep arriving. A row
    that changes while its document stands still could be one whose changes are lost, so it
    leaves the verdict open.

    Args:
        sources: what was found of each; empty if nothing was compared.
        lag: `topic/partition` → change events that the normaliser still lacks.
        stream: what is the matter with the connector's place in the database, if anything is.
    """
    total = {one: sum(source.counts[one] for source in sources) for one in SourceFinding}
    found = [
        f"{_counted(count, _WORDS[finding][0])} {_WORDS[finding][1]}"
        for finding, count in total.items()
        if count and finding is not SourceFinding.DEAD_LETTERED
    ]
    left_out = _left_out(sources, total)
    behind = _counted(sum(lag.values()), "change event") + f" of {', '.join(sorted(lag))}"
    if found:
        verdict, reason = Verdict.DIFFERENT, ", ".join(found) + left_out
    elif not sources:
        verdict = Verdict.INCONCLUSIVE
        reason = f"the normaliser still lacks {behind}; nothing was compared"
    elif unsettled := sum(source.unsettled for source in sources):
        verdict = Verdict.INCONCLUSIVE
        why = (
            f"the normaliser still lacks {behind}"
            if lag
            else "until the end, they did not stand still"
        )
        reason = f"{_counted(unsettled, 'row')} could not be settled: {why}; wait longer{left_out}"
    else:
        rows = sum(source.rows for source in sources)
        return Verdict.CLEAN, f"{_counted(rows, 'row')}, each as its document says{left_out}"
    return verdict, f"{reason}; {stream}" if stream else reason


_WORDS: Final = {
    SourceFinding.MISSING: ("row", "without a document"),
    SourceFinding.EXTRA: ("document", "without a row"),
    SourceFinding.STALE: ("document", "of another text"),
    SourceFinding.METADATA: ("document", "with other metadata"),
}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _left_out(sources: Sequence[SourceResult], total: Mapping[SourceFinding, int]) -> str:
    parts = {
        "without text": sum(source.without_text for source in sources),
        "with a dead letter instead": total[SourceFinding.DEAD_LETTERED],
        "changing all the time": sum(source.changing for source in sources),
    }
    told = [f"{count:,} {what}" for what, count in parts.items() if count]
    return f"; {', '.join(told)}" if told else ""
