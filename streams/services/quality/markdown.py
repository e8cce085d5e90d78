"""The result of a quality run as a page of Markdown.

Says what was asked of what, so that somebody else can ask the same again: versions, fingerprints,
builds, counts, the seed, the command.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from streams.core.intervals import Estimate
from streams.core.quality_words import interval, per_cent
from streams.core.similarity import LaneVectors
from streams.services.quality.result import LaneResult, QualityResult

__all__ = ["page"]

_CAPTIONS: Mapping[str, str] = {
    "measures": "Each measure per lane, and the target's share of the source's, with 95 %"
    " intervals.",
    "differences": "Every query: above 0 the target answers it better, below 0 the source.",
    "agreement": "How much of their answers the lanes have in common, beside the source asked"
    " twice.",
    "similarities": "Cosines between random documents within each lane, and how many nearest"
    " neighbours both lanes agree on.",
}
_EXTREMES = 5
_LONGEST_TEXT = 120


def page(
    result: QualityResult,
    *,
    command: str,
    files: Mapping[str, str],
    texts: Mapping[str, str],
    pictures: Sequence[str],
) -> str:
    """The page.

    Args:
        result: of the run.
        command: that repeats it.
        files: what was read: option → path.
        texts: query id → text, of the queries that are shown.
        pictures: names of the files beside the page; only the first form of each is shown.
    """
    return "\n".join(_lines(result, command, files, texts, pictures)) + "\n"


def _lines(
    result: QualityResult,
    command: str,
    files: Mapping[str, str],
    texts: Mapping[str, str],
    pictures: Sequence[str],
) -> Iterable[str]:
    yield f"# Quality: {result.target.lane} against {result.source.lane}"
    yield from (f"\n{sentence}" for sentence in result.sentences)
    yield ""
    yield from (f"- {_plain(note)}" for note in result.notes)
    shown: set[str] = set()
    for name in pictures:
        stem = name.partition(".")[0]
        if stem not in shown:
            shown.add(stem)
            yield f"\n![{stem}]({name})\n\n{_CAPTIONS[stem]}"
    yield from _relevance(result, texts)
    yield from _alike(result)
    yield from _scores(result)
    yield from _vectors(result)
    yield from _failures(result)
    yield from _about(result, command, files)


def _relevance(result: QualityResult, texts: Mapping[str, str]) -> Iterable[str]:
    if not result.labelled:
        return
    source, target = result.source.lane, result.target.lane
    yield "\n## Relevance"
    yield from _table(
        ("measure", source, target, "retention", f"{target} better", "same", f"{target} worse"),
        (
            (
                row.measure,
                _number(row.source),
                _number(row.target),
                "-"
                if row.retention is None
                else f"{per_cent(row.retention.value)} ({interval(row.retention)})",
                str(row.better),
                str(row.equal),
                str(row.worse),
            )
            for row in result.measures
        ),
    )
    yield (
        f"\nIn brackets: 95 % bootstrap intervals over {result.compared:,} queries"
        f" ({result.resamples:,} resamples, the same queries for both lanes)."
    )
    name = result.measures[0].measure
    differences = [(one.target[name] - one.source[name], one) for one in result.per_query]
    lost = sorted((each for each in differences if each[0] < 0), key=lambda each: each[0])
    gained = sorted((each for each in differences if each[0] > 0), key=lambda each: -each[0])
    for title, some in (("lose", lost), ("gain", gained)):
        if not some:
            continue
        yield f"\n### Queries that {title} most in {name}"
        yield from _table(
            ("query", "text", source, target),
            (
                (
                    one.query,
                    _short(texts.get(one.query, "")),
                    f"{one.source[name]:.3f}",
                    f"{one.target[name]:.3f}",
                )
                for _, one in some[:_EXTREMES]
            ),
        )


def _alike(result: QualityResult) -> Iterable[str]:
    yield "\n## Agreement"
    yield from _table(
        ("measure", "both lanes", f"{result.source.lane} asked twice (noise floor)"),
        (
            (row.measure, _number(row.lanes), "-" if row.floor is None else _number(row.floor))
            for row in result.agreement
        ),
    )
    noise = "" if result.score_noise is None else f"{result.score_noise:.2g}"
    yield (
        "\nThe noise floor is how far the source agrees with itself when it is asked twice, each"
        " query embedded anew: alone, and in another place of a batch. Approximate search and the"
        " embedder's own noise lower it; no other lane can be expected above it. Overlap and RBO go"
        " from 0 to 1; Kendall's tau is 1 where the hits that both found stand in the same order,"
        " and -1 in the reverse one."
        + (f" The best hit's score moved by {noise} at most." if noise else "")
    )


def _scores(result: QualityResult) -> Iterable[str]:
    yield "\n## Scores of hits"
    names = list(result.source.scores.best or result.target.scores.best)
    yield from _table(
        ("lane", "hit", *names),
        (
            (lane.lane, hit, *(f"{spread[name]:.3f}" for name in names))
            for lane in (result.source, result.target)
            for hit, spread in (("first", lane.scores.best), ("last", lane.scores.last))
            if spread
        ),
    )
    yield "\nFor each lane by itself: the scores of two models are not comparable."


def _vectors(result: QualityResult) -> Iterable[str]:
    sample = result.sample
    if sample is None:
        return
    yield f"\n## Stored vectors: {sample.rows:,} random documents"
    yield from _table(
        (
            "lane",
            "length (least, mean, greatest)",
            "cosine of pairs: mean",
            "deviation",
            "p1",
            "p50",
            "p99",
        ),
        (
            (lane.lane, *_spread(vectors))
            for lane, vectors in (
                (result.source, sample.source),
                (result.target, sample.target),
            )
        ),
    )
    near = sample.neighbours
    yield (
        f"\nOf a document's {near.k} nearest neighbours within the sample, both lanes have"
        f" {per_cent(near.agreement)} in common; by chance it would be"
        f" {per_cent(near.by_chance)}. A mean cosine far above 0 means that all of a lane's"
        " vectors point one way (anisotropy), so that its scores lie close together."
        f" Drawn from {sample.source_rows:,} rows over {sample.shards} shards;"
        f" {sample.absent} of the ids drawn were not in the target."
    )


def _spread(vectors: LaneVectors) -> tuple[str, ...]:
    lengths = (vectors.shortest, vectors.mean_length, vectors.longest)
    return (
        ", ".join(f"{length:.4f}" for length in lengths),
        f"{vectors.mean_cosine:.4f}",
        f"{vectors.deviation:.4f}",
        *(f"{vectors.quantiles[name]:.3f}" for name in ("p1", "p50", "p99")),
    )


def _failures(result: QualityResult) -> Iterable[str]:
    if result.failures:
        yield "\n## Queries that failed"
        yield from _table(
            ("query", "lane", "why"), ((one.query, one.lane, one.error) for one in result.failures)
        )


def _about(result: QualityResult, command: str, files: Mapping[str, str]) -> Iterable[str]:
    yield "\n## How it was made"
    yield f"```\n{command}\n```"
    at = datetime.fromtimestamp(result.at / 1000, UTC).isoformat(timespec="seconds")
    facts = {
        "finished": f"{at}, after {result.seconds:.0f} s",
        "by": result.by,
        "Hotswap": result.hotswap_version,
        "control version": str(result.control_version),
        **files,
        "queries": f"{result.queries:,} in the file, {result.queries - result.unjudged:,} asked,"
        f" {result.compared:,} answered by both lanes",
        "hits of each": str(result.k),
        "seed": str(result.seed),
    }
    if result.relevant is not None:
        facts["relevant documents"] = f"{result.relevant:,}"
    yield from _table(("what", "value"), facts.items())
    yield ""
    yield from _table(
        ("lane", "build", "collection", "rows", "fingerprint", "model", "failed queries"),
        (_lane(lane) for lane in (result.source, result.target)),
    )


def _lane(lane: LaneResult) -> tuple[str, ...]:
    pinned = lane.fingerprint
    model = ", ".join(
        f"{name} {value}"
        for name, value in (
            (pinned.provider, pinned.model),
            ("digest", pinned.digest),
            ("server", pinned.server_version),
            ("dimensions", pinned.dimensions),
            ("context", pinned.context_tokens),
        )
        if value is not None
    )
    return (
        lane.lane,
        str(lane.build),
        lane.collection,
        f"{lane.rows:,}",
        pinned.short,
        model,
        str(lane.failed),
    )


def _number(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield ""
    yield f"| {' | '.join(_plain(head) for head in heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"


def _plain(text: str) -> str:
    """Text on one line that Markdown takes for text, also in a table."""
    one_line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\|`*_<>[]#" else c for c in one_line)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
