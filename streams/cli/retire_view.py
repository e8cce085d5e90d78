"""How the end of a lane is shown, to people and as JSON."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from streams.cli import ordering_view, output

if TYPE_CHECKING:
    from rich.console import Console

    from streams.core.savings import Savings
    from streams.services.retire import Retired, Retirement

__all__ = ["Cleaned", "as_data", "show_going", "show_retired"]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The configuration without the lane.

    Attributes:
        path: of the file.
        text: what it is to hold; None if it could not be told, or names no such lane already.
        backup: where the old file is; None if nothing was written.
        problem: why it could not be told or written.
    """

    path: str
    text: str | None
    backup: str | None
    problem: str


def as_data(
    foreseen: "Retirement",
    money: "Savings",
    retired: "Retired | None",
    cleaned: Cleaned | None,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """All of it as JSON has it; what was not come to is null."""
    from streams.core.batch import ESTIMATED

    done = None if retired is None else retired.outcome
    return {
        "dry_run": dry_run,
        "lane": foreseen.lane,
        "survivor": foreseen.survivor,
        "going": [asdict(one) for one in foreseen.going],
        "possible": foreseen.possible,
        "foreseen": ordering_view.as_data(foreseen.outcome),
        "verify": None if retired is None or retired.verified is None else retired.verified.report,
        "outcome": None if done is None else ordering_view.as_data(done),
        "retired": retired is not None and retired.is_retired,
        "dropped": [] if retired is None else list(retired.dropped),
        "savings": {**asdict(money), "of": "documents, without queries", "tokens_by": ESTIMATED},
        "configuration": None if cleaned is None else asdict(cleaned),
    }


def show_going(
    foreseen: "Retirement",
    money: "Savings",
    console: "Console",
    *,
    takes_price: bool,
    dry_run: bool,
) -> None:
    """Print what would go, what holds it, and what that saves.

    Args:
        foreseen: what would come of it now.
        money: what it saves.
        console: where to.
        takes_price: whether the lane's configuration has a setting for one.
        dry_run: whether nothing else follows.
    """
    from rich.text import Text

    rows = [
        (
            str(one.build),
            one.collection,
            "gone" if one.rows is None else f"{one.rows:,}",
            "" if one.vector_bytes is None else f"{one.vector_bytes / 1e6:,.1f} MB",
            one.group,
        )
        for one in foreseen.going
    ]
    columns = ("build", "collection", "rows", "vectors alone", "consumer group")
    console.print(output.table(columns, rows, title=f"lane {foreseen.lane}"))
    lines = [
        "  also to go: its section of the configuration; Kafka forgets the group by itself",
        f"  {_saved(money, foreseen.lane if takes_price else None)}",
        "  that is for documents only: queries that the lane embeds come on top, uncounted",
    ]
    for line in lines:
        console.print(Text(output.one_line(line)), soft_wrap=True)
    if foreseen.finishes:
        console.print(f"lane {foreseen.lane} is retired; what is left of it is dropped")
    elif dry_run or not foreseen.possible:
        ordering_view.show(foreseen.outcome, console)
        if foreseen.possible:
            line = f"  retiring begins with a verify of {foreseen.survivor}, and needs it clean"
            console.print(line)


def show_retired(
    foreseen: "Retirement", retired: "Retired", cleaned: Cleaned | None, console: "Console"
) -> None:
    """Print what was done, and the configuration that is left."""
    from rich.text import Text

    if retired.verified is not None:
        report = retired.verified.report
        line = f"last verify of {report.lane}: {report.verdict}; {report.reason}"
        console.print(Text(output.one_line(line)), soft_wrap=True)
    if retired.outcome is None:
        line = f"nothing was retired: {foreseen.survivor} must be verified clean first"
        console.print(Text(line, style="red"), soft_wrap=True)
        return
    ordering_view.show(retired.outcome, console)
    for collection in retired.dropped:
        console.print(f"dropped {collection}", markup=False)
    if cleaned is not None:
        _show_configuration(cleaned, foreseen.lane, console)


def _show_configuration(cleaned: Cleaned, lane: str, console: "Console") -> None:
    from rich.text import Text

    if cleaned.problem:
        line = f"{cleaned.path} is left as it is: {cleaned.problem}"
        console.print(Text(output.harmless(line), style="yellow"), soft_wrap=True)
    elif cleaned.backup is not None:
        line = f"{cleaned.path} has no lane {lane} any more; as it was: {cleaned.backup}"
        console.print(Text(output.one_line(line)), soft_wrap=True)
    elif cleaned.text is not None:
        console.print(f"{cleaned.path} without lane {lane} (--write puts it there):", markup=False)
        console.print(Text(output.harmless(cleaned.text)), soft_wrap=True)


def _saved(money: "Savings", priced: str | None) -> str:
    """One line; `priced`: the lane, if a price can be set for it."""
    window = output.span(money.window_seconds)
    if money.monthly_tokens is None:
        when, tokens, price = f"until now, in {window}", money.tokens, money.money
        unscaled = "; less than a day is not scaled to 30"
    else:
        when, tokens, price = "in 30 days", money.monthly_tokens, money.monthly
        unscaled = ""
    seen = (
        f"{money.documents:,} texts came or changed in {window}, estimated at most"
        f" {money.tokens:,} tokens, three bytes each; compacted records are not counted{unscaled}"
    )
    if price is None:
        setting = f"; set lanes.{priced}.price_per_million_tokens to see the money"
        return f"saved {when}: {tokens:,} tokens ({seen}){setting if priced else ''}"
    return f"saved {when}: {output.amount(price)} at {money.price:g} a million tokens ({seen})"
