"""Whether a lane's embedder is the pinned one, and behaves as an embedder must.

Thresholds are distances between vectors of length 1. Servers compute in other orders from
call to call, so that equal texts come out a little apart; the measured noise is allowed for.
"""

from collections.abc import Callable

from schemas.preflight import CheckResult
from streams.core.canaries import LEAST_COSINE
from streams.core.preflight.facts import LaneFacts, Unreachable
from streams.core.preflight.probe_facts import Pair, ProbeFacts, Refused
from streams.core.preflight.results import fail, ok, unreachable, warn

__all__ = ["PROBE_CHECKS", "canary_vectors", "fingerprint", "noise_of", "whole"]

_STEADY, _UNSTEADY = 0.01, 0.05
"""Of one text twice: cosine 0.99995 and 0.999."""
_ALIKE, _UNLIKE = 0.05, 0.15
"""Of a text alone and in company: cosine 0.999 and 0.989."""
_LENGTH_ERROR = 1e-3
_LEAST_DIFFERENCE = 1e-6
"""What float32 can tell apart at all."""

Check = Callable[[str, ProbeFacts], CheckResult]


def fingerprint(facts: LaneFacts) -> CheckResult:
    """Whether the live model is the one that the lane is pinned to."""
    area, live = f"lane {facts.name}", facts.live
    if facts.pinned is None:
        return fail(area, "fingerprint", "no build was ever started", "run `hotswap init`")
    differences = facts.pinned.differences(live)
    if differences:
        seen = "; ".join(
            f"{name} was {pinned}, is {now}" for name, (pinned, now) in differences.items()
        )
        return fail(area, "fingerprint", seen, _put_back_or_build(facts.name))
    version = f", server {live.server_version}" if live.server_version else ""
    return ok(
        area, "fingerprint", f"{live.model}, {live.dimensions} dimensions{version}: as pinned"
    )


def canary_vectors(facts: LaneFacts) -> CheckResult:
    """Whether the live model makes of the canaries what it did when the build began."""
    area, check, fact = f"lane {facts.name}", "canary vectors", facts.canaries
    if isinstance(fact, Unreachable):
        return unreachable(area, check, fact)
    if fact is None:
        return warn(
            area,
            check,
            "the build pinned none: another model under the same name would not be noticed",
            f"nothing now; the next `hotswap build start {facts.name}` pins some",
        )
    seen = f"{fact.named}, the farthest from its pinned vector: cosine {fact.cosine:.6f}"
    if fact.holds:
        return ok(area, check, seen)
    return fail(area, check, f"{seen}, below {LEAST_COSINE:g}", _put_back_or_build(facts.name))


def _put_back_or_build(lane: str) -> str:
    return (
        "put the model and its settings back as they were, or start a new build:"
        f" `hotswap build start {lane}`"
    )


def noise_of(probes: ProbeFacts) -> float:
    """How far one text is from itself."""
    return probes.repeat.distance if isinstance(probes.repeat, Pair) else 0.0


def repeat(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether a text gets the same vector twice."""
    return _close(lane, "determinism", probes.repeat, "one text twice", (_STEADY, _UNSTEADY))


def batch(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether a text gets the same vector alone and in a batch."""
    return _close(lane, "batch and single", probes.batch, "at worst", (_ALIKE, _UNLIKE))


def concurrent(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether calls at the same time answer each with its own vectors."""
    what = f"{probes.calls} calls at once, at worst"
    return _close(lane, "concurrency", probes.concurrent, what, (_ALIKE, _UNLIKE))


def _close(
    lane: str, check: str, fact: Pair | Unreachable, what: str, limits: tuple[float, float]
) -> CheckResult:
    area = f"lane {lane}"
    if isinstance(fact, Unreachable):
        return unreachable(area, check, fact)
    seen = f"{what}: cosine {fact.cosine:.6f}"
    if fact.distance <= limits[0]:
        return ok(area, check, seen)
    remedy = "look at the server: a model that answers differently each time makes verify useless"
    return (warn if fact.distance <= limits[1] else fail)(area, check, seen, remedy)


def canary(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether texts that mean the same are nearer than texts that do not."""
    area, fact = f"lane {lane}", probes.canary
    if isinstance(fact, Unreachable):
        return unreachable(area, "canary", fact)
    wrong = [triple.about for triple in fact if not triple.near < triple.far]
    least = min((triple.far - triple.near for triple in fact), default=0.0)
    if not wrong:
        return ok(area, "canary", f"{len(fact)} of {len(fact)} alike are nearest, by {least:.2f}")
    seen = f"{_listed(wrong)}: texts of one meaning are farther apart than unrelated ones"
    remedy = "make sure that this is an embedding model, with the templates that it wants"
    return (fail if 2 * len(wrong) > len(fact) else warn)(area, "canary", seen, remedy)


def length(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether vectors have length 1 when they come to the store."""
    area, fact = f"lane {lane}", probes.length_error
    if isinstance(fact, Unreachable):
        return unreachable(area, "unit length", fact)
    if fact <= _LENGTH_ERROR:
        return ok(area, "unit length", f"1 ± {fact:.0e}")
    return fail(area, "unit length", f"off by {fact:.3f}", "report it: Hotswap scales them itself")


def empty(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether an empty query is refused instead of answered with anything."""
    area, fact = f"lane {lane}", probes.empty
    if isinstance(fact, Unreachable):
        return unreachable(area, "empty query", fact)
    if fact is not None:
        return ok(area, "empty query", "refused")
    return fail(area, "empty query", "is embedded", "put nothing between Hotswap and the server")


def whole(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether the last word of a text at the lane's budget still counts."""
    area, check = f"lane {lane}", "text budget"
    at, over, size = probes.at_budget, probes.over_budget, f"{probes.budget_bytes:,} bytes"
    remedy = f"lower lanes.{lane}.text_budget_bytes"
    if isinstance(at, Unreachable):
        return unreachable(area, check, at)
    if isinstance(at, Refused):
        return fail(area, check, f"prose of {size} is refused: {at.why}", remedy)
    if not _differ(at, noise_of(probes), _LEAST_DIFFERENCE):
        if noise_of(probes) > 10 * _LEAST_DIFFERENCE:
            seen = f"at {size} the last word's weight is lost in the model's noise"
            return warn(area, check, seen, remedy)
        return fail(area, check, f"at {size} the last word is cut without a word", remedy)
    if isinstance(over, Pair) and not _differ(over, noise_of(probes), _LEAST_DIFFERENCE):
        return warn(
            area,
            check,
            f"{size} are whole, but a word more is cut without a word: no room left",
            remedy,
        )
    more = "refused" if isinstance(over, Refused) else "whole, too"
    return ok(area, check, f"{size} are whole; a word more is {more}")


def dense(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether even the text with the most tokens fits."""
    area, check, fact = f"lane {lane}", "densest text", probes.dense
    if isinstance(fact, Unreachable):
        return unreachable(area, check, fact)
    if fact is None:
        return ok(area, check, "punctuation only, at the normaliser's budget, is embedded")
    return warn(
        area,
        check,
        f"punctuation only, at the normaliser's budget, is refused ({fact.why}): such documents"
        " become dead letters",
        f"lower lanes.{lane}.text_budget_bytes if your documents are tables or code",
    )


_SAME = "the model takes them for the same"
_OTHER_MODEL = "do not rely on such texts, or choose a multilingual model"


def scripts(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether the model tells texts apart that are not English."""
    area, check, fact = f"lane {lane}", "languages", probes.scripts
    if isinstance(fact, Unreachable):
        return unreachable(area, check, fact)
    refused = [name for name, pair in fact.items() if isinstance(pair, Refused)]
    blind = [
        name
        for name, pair in fact.items()
        if isinstance(pair, Pair) and not _differ(pair, noise_of(probes))
    ]
    if not refused and not blind:
        return ok(area, check, f"two texts each are told apart in {_listed(list(fact))}")
    parts = [f"{_listed(refused)}: refused"] if refused else []
    parts += [f"two texts each in {_listed(blind)}: {_SAME}"] if blind else []
    return warn(area, check, "; ".join(parts), _OTHER_MODEL)


def accents(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether the model tells accented words apart."""
    # Ollama 0.17.4 looks accented words up as they are; models without accents know none.
    return _told_apart(lane, "accents", probes.accents, "café and naïve", noise_of(probes))


def emoji(lane: str, probes: ProbeFacts) -> CheckResult:
    """Whether the model tells emoji apart."""
    return _told_apart(lane, "emoji", probes.emoji, "two emoji", noise_of(probes))


def _told_apart(
    lane: str, check: str, fact: Pair | Refused | Unreachable, what: str, noise: float
) -> CheckResult:
    area = f"lane {lane}"
    if isinstance(fact, Unreachable):
        return unreachable(area, check, fact)
    if isinstance(fact, Refused):
        return warn(area, check, f"{what}: refused ({fact.why})", _OTHER_MODEL)
    if _differ(fact, noise):
        return ok(area, check, f"{what}: cosine {fact.cosine:.3f}")
    return warn(area, check, f"{what}: {_SAME}, such as unknown words", _OTHER_MODEL)


def _differ(pair: Pair, noise: float, least: float = 1e-3) -> bool:
    return pair.distance > least + 3 * noise


def _listed(names: list[str]) -> str:
    return ", ".join(names)


PROBE_CHECKS: tuple[Check, ...] = (
    repeat,
    batch,
    concurrent,
    canary,
    length,
    empty,
    whole,
    dense,
    scripts,
    accents,
    emoji,
)
