"""Whether both lanes' embedders receive the very same texts, by the bytes that came to them."""

from collections.abc import Mapping

from schemas.preflight import CheckResult
from streams.core.preflight.facts import Unreachable
from streams.core.preflight.probe_facts import WireFacts
from streams.core.preflight.results import fail, ok, unreachable

__all__ = ["bare", "same_bytes"]

_AREA = "same texts"
_HINT = 40


def bare(received: bytes, template: str) -> bytes | None:
    """What stands in a template's place for the text; None if it is not in the template."""
    before, _, after = template.partition("{text}")
    head, tail = before.encode(), after.encode()
    if len(received) < len(head) + len(tail):
        return None
    if not (received.startswith(head) and received.endswith(tail)):
        return None
    return received[len(head) : len(received) - len(tail)]


def same_bytes(lanes: Mapping[str, WireFacts | Unreachable]) -> list[CheckResult]:
    """For each lane: without its templates, what came over the wire is the documents' text.

    Equal to the text in each lane is equal to each other.
    """
    return [
        unreachable(_AREA, f"received by {lane}", facts)
        if isinstance(facts, Unreachable)
        else _of_lane(lane, facts)
        for lane, facts in lanes.items()
    ]


def _of_lane(lane: str, facts: WireFacts) -> CheckResult:
    check = f"received by {lane}"
    remedy = "put nothing between Hotswap and the embedder that changes requests"
    sides = (
        ("documents", facts.documents, facts.document_template),
        ("queries", facts.queries, facts.query_template),
    )
    for what, received, template in sides:
        if len(received) != len(facts.texts):
            seen = f"{len(facts.texts)} {what} were sent, {len(received)} came over the wire"
            return fail(_AREA, check, seen, remedy)
        for text, came in zip(facts.texts, received, strict=True):
            if bare(came, template) != text.encode():
                seen = (
                    f"of the {what}, {text[:_HINT]!r} came as"
                    f" {came.decode(errors='replace')[:_HINT]!r}"
                )
                return fail(_AREA, check, seen, remedy)
    size = sum(len(text.encode()) for text in facts.texts)
    return ok(
        _AREA,
        check,
        f"{len(facts.texts)} texts, {size:,} bytes, as documents and as queries: byte for byte"
        " the documents' text",
    )
