"""How an adoption is shown, to people and as JSON."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from streams.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from streams.core.adoption import Proof
    from streams.services.adopt_outcome import Adoption

__all__ = ["as_data", "show"]

_SHOWN_BELOW = 5


def as_data(adoption: "Adoption") -> dict[str, Any]:
    """The adoption as JSON has it."""
    data = asdict(adoption)
    data["stale_rows"] = adoption.stale_rows
    if adoption.proof is not None:
        low, high = adoption.proof.interval
        data["proof"] |= {
            "holds": adoption.proof.holds,
            "below": adoption.proof.below,
            "share_below": adoption.proof.share_below,
            "low": low,
            "high": high,
        }
    return data


def show(adoption: "Adoption", console: "Console") -> None:
    """Print what was found, the proof, the numbers, and what is to be done next."""
    from rich.text import Text

    taken = adoption.taken
    metric = f", metric {taken.metric}" if taken.metric else ""
    lines = [f"{taken.original}{metric} -> lane {taken.lane}, {taken.collection}"]
    if adoption.proof is not None:
        lines += _proof(adoption.proof)
    if adoption.refused:
        lines += [f"refused: {adoption.refused}", *_ways_on(adoption)]
    for line in lines:
        console.print(Text(output.one_line(line)), soft_wrap=True)
    console.print(output.table(("what", "how many", "remark"), _rows(adoption)))
    for line in _remarks(adoption):
        console.print(Text(output.one_line(line)), soft_wrap=True)


def _proof(proof: "Proof") -> list[str]:
    values = list(proof.similarities.values())
    if not values:
        return [f"sample of 0 rows, seed {proof.seed}"]
    low, high = proof.interval
    said = (
        f"sample of {len(values)} rows, seed {proof.seed}: cosine to what the lane's embedder makes"
        f" of the documents: least {values[0]:.4f}, median {values[len(values) // 2]:.4f};"
        f" {len(proof.below)} below {proof.tolerance:g}"
        f" ({proof.share_below:.0%}; 95 % interval {low:.1%} to {high:.1%})"
    )
    shown = proof.below[:_SHOWN_BELOW]
    return [said, *(f"  below: {id_} {proof.similarities[id_]:.4f}" for id_ in shown)]


def _ways_on(adoption: "Adoption") -> list[str]:
    lane = adoption.taken.lane
    ways = [f"  to do: configure lane {lane} with the model that made the vectors"]
    if adoption.taken.stale_unseen:
        ways.append(
            "  or, if texts have changed since: name --text-field, or let more stay below with"
            " --allow-below"
        )
    return ways


def _rows(adoption: "Adoption") -> list[tuple[str, str, str]]:
    """The rows of the original, whatever became of them, then what that leaves to buy."""
    adopted = "would be adopted" if adoption.taken.dry_run else "adopted"
    rows = [
        ("rows in the original", adoption.rows, ""),
        (f"  {adopted}", adoption.adopted, ""),
        ("  already there", adoption.already, "in that version or a newer one"),
        ("  out of date", adoption.out_of_date, _out_of_date(adoption)),
        ("  unmatched", adoption.unmatched, f"no such document of {adoption.taken.source}"),
        ("  unusable", adoption.unusable, "no vector of a length, or gone meanwhile"),
        ("  refused by Milvus", adoption.not_taken, "left to the lane"),
        (f"documents of {adoption.taken.source}", adoption.documents, ""),
        ("  without a row", adoption.without_row, ""),
        ("  claimed by several rows", adoption.ambiguous, "none of those was adopted"),
        ("  still to buy", adoption.to_buy, _price(adoption)),
        ("embedding calls made", adoption.calls, f"for the sample of {adoption.texts:,} texts"),
    ]
    always = {"rows in the original", "  unmatched", "  still to buy", "embedding calls made"}
    always |= {f"  {adopted}", "  already there", "  out of date"}
    return [
        (what, f"{count:,}", remark if count else "")
        for what, count, remark in rows
        if count or what in always
    ]


def _out_of_date(adoption: "Adoption") -> str:
    return "in the sample" if adoption.taken.stale_unseen else "of another text"


def _price(adoption: "Adoption") -> str:
    tokens = f"about {adoption.tokens:,} tokens"
    if adoption.money is None:
        return f"{tokens}; lanes.{adoption.taken.lane}.price_per_million_tokens is not set"
    return f"{tokens}, {adoption.money:,.2f} at {adoption.price:g} a million"


def _remarks(adoption: "Adoption") -> list[str]:
    remarks = []
    if adoption.unmatched_samples:
        samples = ", ".join(map(repr, adoption.unmatched_samples))
        more = ", …" if adoption.unmatched > len(adoption.unmatched_samples) else ""
        remarks.append(f"unmatched, such as: {samples}{more}")
    if (stale := adoption.stale_rows) is not None:
        remarks.append(
            f"texts were not compared: by the sample, {stale[0]:,} to {stale[1]:,} of the adopted"
            " rows carry the vector of an older text, and nothing but a change of their document"
            " will mend them; --text-field tells them apart"
        )
    if adoption.refused:
        return remarks
    if adoption.taken.dry_run:
        remarks.append("dry run: nothing was written")
    else:
        lane = adoption.taken.lane
        remarks.append(f"next: `hotswap resume {lane}`, then `hotswap verify {lane}`")
    return remarks
