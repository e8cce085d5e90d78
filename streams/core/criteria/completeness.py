"""Whether the target holds what it owes: coverage, lag and dead letters."""

from schemas.evidence import GateVerdict
from schemas.verify import Verdict
from streams.core.criteria.judgement import MAX_IDS, Judgement
from streams.core.criteria.limits import Limits
from streams.core.criteria.look import Look, Verified

__all__ = ["coverage", "dead_letters", "lag"]

_SUCCESSFUL, _FAILED = GateVerdict.SUCCESSFUL, GateVerdict.FAILED


def coverage(look: Look, limits: Limits) -> Judgement:
    """Every document has its row or its dead letter, by the newest verify."""

    def judged(verdict: GateVerdict, reason: str) -> Judgement:
        found = look.verified
        owed = 0 if found is None else found.documents - found.dead
        share = None if found is None or not owed else max(0, owed - found.wrong) / owed
        return Judgement(
            "coverage",
            verdict,
            reason,
            value="unknown" if share is None else _percent(share),
            threshold="100 %",
            samples=0 if found is None else found.documents,
            values={} if share is None else {"share": share},
            thresholds={"share": 1.0},
            ids=() if found is None else (f"control {found.offset}",),
        )

    found = look.verified
    if found is None:
        return judged(GateVerdict.INCONCLUSIVE, "never verified: run `hotswap verify`")
    if why := _does_not_count(found, limits):
        return judged(GateVerdict.INCONCLUSIVE, why)
    if found.verdict is Verdict.DIFFERENT:
        return judged(_FAILED, f"the newest verify found {found.wrong:,} differences")
    dead = f", {found.dead:,} dead-lettered" if found.dead else ""
    return judged(_SUCCESSFUL, f"{found.documents:,} documents verified clean{dead}")


def _does_not_count(found: Verified, limits: Limits) -> str:
    if not found.is_after:
        return "the newest verify is from before its writes began"
    if found.age_seconds >= limits.evidence_seconds:
        age = f"{found.age_seconds:,.0f} s old"
        return f"the newest verify is {age} and counts for {limits.evidence_seconds:,} s"
    if found.verdict is Verdict.INCONCLUSIVE:
        return "the newest verify is inconclusive"
    return ""


def _percent(share: float) -> str:
    """Never rounded up to all."""
    return "100 %" if share >= 1 else f"{min(99.99, 100 * share):.2f} %"


def lag(look: Look, limits: Limits) -> Judgement:
    """The target's workers keep up with `documents`."""
    backlog, most = look.backlog, limits.lag_records
    threshold, thresholds = f"≤ {most:,}", {"records": float(most)}
    if backlog is None:
        why = "it is not known how far the lane is"
        return Judgement("lag", GateVerdict.INCONCLUSIVE, why, "unknown", threshold)
    keeps_up = backlog.lag <= most
    return Judgement(
        "lag",
        _SUCCESSFUL if keeps_up else _FAILED,
        f"{backlog.committed:,} records done" + ("" if keeps_up else ", too many left"),
        value=f"{backlog.lag:,}",
        threshold=threshold,
        samples=backlog.committed,
        values={"records": float(backlog.lag)},
        thresholds=thresholds,
    )


def dead_letters(look: Look, limits: Limits) -> Judgement:
    """Few enough documents could not be embedded or stored."""
    most = limits.dead_letters
    threshold, thresholds = f"≤ {most:,}", {"letters": float(most)}
    if look.letters is None:
        why = "dead letters are not known"
        return Judgement("dead-letters", GateVerdict.INCONCLUSIVE, why, "unknown", threshold)
    count = len(look.letters)
    good = "none is open" if not count else "few enough are open"
    return Judgement(
        "dead-letters",
        _SUCCESSFUL if count <= most else _FAILED,
        good if count <= most else "see `hotswap dead-letters list`",
        value=f"{count:,}",
        threshold=threshold,
        # Without a record that the lane has done, there is nothing that could have failed.
        samples=0 if look.backlog is None else look.backlog.committed,
        values={"letters": float(count)},
        thresholds=thresholds,
        ids=tuple(look.letters[:MAX_IDS]),
    )
