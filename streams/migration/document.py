"""The page `ops/migration-states.md`, printed from the table, the guards and the examples.

`python -m streams.migration.document > ops/migration-states.md` writes it; a test compares.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping

from schemas import MigrationDefined, Policy, Stage
from streams.migration.examples import EXAMPLES
from streams.migration.guards import GUARDS
from streams.migration.prose import BY_HAND, HEAD, REJECTIONS, RULES, SIGNING
from streams.migration.reads import reading_lanes, routing_of
from streams.migration.rules import TABLE, Effect, Order, Rule
from streams.migration.state import Ramp, State
from streams.migration.verdicts import Guard
from streams.migration.writes import is_written

__all__ = ["page"]

_SAMPLE = MigrationDefined(id="1", by="page", source="source", target="target", salt="s")
_PLAIN = frozenset(order for order in Order if len({TABLE[stage][order] for stage in Stage}) == 1)
"""Orders with the same rule in every stage."""


def page() -> str:
    """The whole page, as Markdown."""
    parts = (
        HEAD,
        "## What each stage reads and writes",
        *_stages(),
        "## The way",
        *_diagram(),
        "## Every order in every stage",
        *_matrix(),
        *_details(),
        "## Guards",
        *_guards(),
        "## What is rejected",
        *_rejections(),
        RULES,
        BY_HAND,
        *_examples(),
        SIGNING,
    )
    return "\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _stages() -> Iterator[str]:
    head = ("stage", "answers come from", "stands in for it", "reads are mirrored", "is written")
    return _table(head, (_stage(stage) for stage in Stage))


def _stage(stage: Stage) -> tuple[str, ...]:
    """Asks the same functions as `serve` and the workers do."""
    few, all_of_them = (
        State(migration=_SAMPLE, stage=stage, ramp=Ramp(percent)) for percent in (0.0, 100.0)
    )
    low, high = routing_of(few), routing_of(all_of_them)
    assert low is not None  # noqa: S101 - there is a migration
    assert high is not None  # noqa: S101 - there is a migration
    lanes = {0.0: low.source, 100.0: low.target}
    by_ramp = low.percent != high.percent
    answers = "source or target, by the ramp" if by_ramp else lanes[low.percent]
    stand_in = reading_lanes(few) - (set() if by_ramp else {lanes[low.percent]})
    written = [lane for lane in (low.source, low.target) if is_written(few, lane)]
    return (
        f"`{stage}`",
        answers,
        "each for the other" if by_ramp else ", ".join(sorted(stand_in)) or "nothing",
        "yes" if low.mirrored else "no",
        " and ".join(written),
    )


def _diagram() -> Iterator[str]:
    yield "Forward steps with their guards; every other arrow is a way back."
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {Stage.OFF}: migration"
    for stage, row in TABLE.items():
        for to in Stage:
            rule = row[Order(f"stage {to}")]
            if rule.effect is Effect.PASS:
                yield f"    {stage} --> {to}" + _label(rule.guards)
        if row[Order.REOPEN].effect is Effect.PASS:
            yield f"    {stage} --> {stage}: reopen"
        if row[Order.RETIRE].effect is Effect.PASS:
            yield f"    {stage} --> [*]: retire if {', '.join(row[Order.RETIRE].guards)}"
    yield "```"
    yield ""


def _label(guards: tuple[Guard, ...]) -> str:
    return f": if {', '.join(guards)}" if guards else ""


def _matrix() -> Iterator[str]:
    yield "✔ goes through · = is so already · ✘ never · a word: the guard that has to let it pass"
    yield ""
    rows = ((f"`{order}`", *(_cell(TABLE[stage][order]) for stage in Stage)) for order in Order)
    yield from _table(("order", *(f"`{stage}`" for stage in Stage)), rows)
    yield "`ramp up` moves somebody to the target, `ramp down` nobody. `flag` is short for one of"
    yield "them or for a rollback: `true` is ramp 100, a number that ramp, `false` a rollback to"
    yield "`shadow`. A rollback to this stage or to one further ahead changes nothing: reads are on"
    yield "the source already. `build return` is a promotion of a build that has served before."
    yield "`migration` takes another policy in every stage, other lanes and another salt in `off`"
    yield "and after `retire` only."
    yield ""


def _cell(rule: Rule) -> str:
    if rule.effect is Effect.PASS:
        return ", ".join(rule.guards) or "✔"
    return "=" if rule.effect is Effect.ALREADY else "✘"


def _details() -> Iterator[str]:
    """Per stage what becomes of the orders that have not the same rule everywhere."""
    for stage, row in TABLE.items():
        yield f"### In `{stage}`"
        yield from _told(row, [order for order in Order if order not in _PLAIN])
    yield "### In every stage"
    yield from _told(TABLE[Stage.OFF], [order for order in Order if order in _PLAIN])


def _told(row: Mapping[Order, Rule], orders: Iterable[Order]) -> Iterator[str]:
    alike: dict[tuple[str, str], list[str]] = {}
    for order in orders:
        alike.setdefault(_becomes(row[order]), []).append(f"`{order}`")
    for (word, why), names in alike.items():
        yield f"- {word}: {', '.join(names)}" + (f" ({why})" if why else "")
    yield ""


def _becomes(rule: Rule) -> tuple[str, str]:
    if rule.effect is not Effect.PASS:
        return "changes nothing" if rule.effect is Effect.ALREADY else "never", rule.why
    guards = ", ".join(rule.guards)
    return (f"**held until {guards}**", "") if guards else ("**goes through**", "")


def _guards() -> Iterator[str]:
    yield "A guard holds an order until it finds what it asks for. `force` with a reason overrides"
    yield "evidence that is missing, too old, inconclusive, or from before what it should be about."
    yield "**The same guard is not overridden once there is evidence to the contrary**, nor is one"
    yield "that keeps a lane that is not fully written from answering reads. What was overridden"
    yield "stands in the history."
    yield ""
    rows = (
        (f"`{guard}`", rule.asks, rule.remedy.format(lane="LANE"), _force(guard))
        for guard, rule in ((guard, GUARDS[guard]) for guard in Guard)
    )
    yield from _table(("guard", "asks for", "what to do", "`force` overrides it"), rows)
    yield "How long and how much is the policy of the migration, which `hotswap init` writes from"
    yield "the settings. Without settings:"
    yield ""
    fields = Policy.model_fields.items()
    policy = (
        (f"`{name}`", f"{field.default:,}", field.description or "") for name, field in fields
    )
    yield from _table(("policy", "is", "means"), policy)


def _force(guard: Guard) -> str:
    rule = GUARDS[guard]
    if not rule.forcible:
        return "no"
    return f"yes, but not {rule.contrary}" if rule.contrary else "yes"


def _rejections() -> Iterator[str]:
    yield "A rejected record stays in the log and in the history with its reason, and changes"
    yield "nothing. To send it again is of no use; to send another one is."
    yield ""
    rows = ((f"`{rejection}`", means) for rejection, means in REJECTIONS.items())
    yield from _table(("rejected as", "because"), rows)


def _examples() -> Iterator[str]:
    for number, example in enumerate(EXAMPLES):
        order = example.order.replace("VERSION", "1234")
        yield f"{example.does} (`{example.stage}`):"
        yield "```json"
        yield f'{{"id": "by-hand-{number + 1}", "by": "ann", {order}}}'
        yield "```"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
