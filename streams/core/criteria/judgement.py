"""What is said of one criterion, and what all of them amount to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from schemas.evidence import GateVerdict

__all__ = ["MAX_IDS", "Judgement", "conclude", "held_to_its_samples"]

MAX_IDS = 3
"""Samples that are named with a judgement."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One criterion's verdict, and what it rests on.

    Attributes:
        criterion: its name.
        verdict: None if it is switched off.
        reason: in a few words.
        value: what was found, for people.
        threshold: what is asked for, for people.
        samples: that it rests on.
        needed: the least that it may rest on.
        values: what was found, by measure.
        thresholds: what is asked for, by measure.
        ids: a few samples: query ids, letters' ids, or `control OFFSET`; the worst first.
    """

    criterion: str
    verdict: GateVerdict | None
    reason: str = ""
    value: str = ""
    threshold: str = ""
    samples: int = 0
    needed: int = 1
    values: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    ids: tuple[str, ...] = ()


def held_to_its_samples(judgement: Judgement) -> Judgement:
    """The same, unless it is Successful on fewer samples than it needs: no data is no success."""
    needed = max(1, judgement.needed)
    if judgement.verdict is not GateVerdict.SUCCESSFUL or judgement.samples >= needed:
        return judgement
    reason = f"{judgement.samples:,} of {needed:,} samples" if judgement.samples else "no samples"
    return replace(judgement, verdict=GateVerdict.INCONCLUSIVE, reason=reason, needed=needed)


def conclude(judgements: Sequence[Judgement]) -> tuple[GateVerdict, str]:
    """The whole verdict and its reason.

    Failed if one criterion failed, Successful only if all that are on are; otherwise, and if
    all are off, Inconclusive.
    """
    counted = [each for each in judgements if each.verdict is not None]
    for verdict in (GateVerdict.FAILED, GateVerdict.INCONCLUSIVE):
        those = [each.criterion for each in counted if each.verdict is verdict]
        if those:
            return verdict, f"{verdict}: {', '.join(those)}"
    if not counted:
        return GateVerdict.INCONCLUSIVE, "all criteria are switched off"
    off = len(judgements) - len(counted)
    left_out = f"; {off} switched off" if off else ""
    return GateVerdict.SUCCESSFUL, f"all {len(counted)} criteria are met{left_out}"
