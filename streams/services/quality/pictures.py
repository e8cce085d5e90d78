"""The figures of a quality report, by matplotlib's Agg and SVG canvases.

Keeps no state of pyplot's, and no window. The lanes have the same two colours in every figure,
what is said of both together a third, and those who do not tell red from green can tell all of
them (Okabe and Ito's palette, https://jfly.uni-koeln.de/color/). Loaded only when there is
something to draw, since matplotlib belongs to the extra `quality`.
"""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from streams.core.intervals import Estimate
from streams.core.quality_words import interval, per_cent
from streams.core.similarity import BINS
from streams.services.quality.result import QualityResult
from streams.services.quality.sample import VectorSample

__all__ = ["draw"]

_SOURCE: Final = "#0072B2"
_TARGET: Final = "#D55E00"
_BOTH: Final = "#009E73"
_FLOOR: Final = "#7F7F7F"
_INK: Final = "#222222"

_MANY_PAIRS: Final = 100_000
_BINS_OF_FEW: Final = 5
"""Bins of the histogram that are drawn as one where there are fewer pairs."""

_STYLE: Final[Mapping[Any, Any]] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "legend.frameon": False,
    "svg.hashsalt": "hotswap",  # equal results give equal files
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in a name is a $
}


def draw(result: QualityResult, formats: Sequence[str]) -> dict[str, bytes]:
    """File name → content of every figure that the result has something for.

    Args:
        result: what to draw.
        formats: of `png` and `svg`.
    """
    figures: dict[str, Callable[[QualityResult], Figure]] = {}
    if result.labelled:
        figures |= {"measures": _measures, "differences": _differences}
    figures["agreement"] = _agreement
    if result.sample is not None:
        figures["similarities"] = _similarities
    files = {}
    with mpl.rc_context(dict(_STYLE)):
        for name, make in figures.items():
            figure = make(result)
            for kind in formats:
                content = io.BytesIO()
                # No time of day in the file: the report has it.
                metadata = {"Date": None} if kind == "svg" else {"Software": None}
                figure.savefig(content, format=kind, dpi=144, metadata=metadata)
                files[f"{name}.{kind}"] = content.getvalue()
    return files


def _measures(result: QualityResult) -> Figure:
    figure = Figure(figsize=(9, 1.6 + 0.7 * len(result.measures)), layout="constrained")
    values, kept = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    places = np.arange(len(result.measures))[::-1]
    for offset, colour, lane in ((0.13, _SOURCE, "source"), (-0.13, _TARGET, "target")):
        estimates = [getattr(row, lane) for row in result.measures]
        name = getattr(result, lane).lane
        _points(values, estimates, places + offset, colour, f"{name} ({lane})")
    values.set_yticks(places, [row.measure for row in result.measures])
    values.set_ylim(-0.6, len(places) - 0.4)
    values.set_xlim(0, 1)
    values.set_xlabel("mean over the queries, with its 95 % interval")
    values.set_title(f"Measures on {result.compared:,} queries")
    figure.legend(*values.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    retained = [(row.retention, place) for row, place in zip(result.measures, places, strict=True)]
    known = [
        (kept_, place)
        for kept_, place in retained
        if kept_ is not None and math.isfinite(kept_.high)
    ]
    kept.axvline(1, color=_INK, linewidth=1)
    if known:
        estimates = [estimate for estimate, _ in known]
        _points(kept, estimates, np.array([place for _, place in known]), _TARGET, "")
        for estimate, place in known:
            text = f"{per_cent(estimate.value)} ({interval(estimate)})"
            kept.annotate(
                text,
                (estimate.value, place),
                (0, 9),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
            )
        low = min(0.95, *(estimate.low for estimate in estimates))
        high = max(1.05, *(estimate.high for estimate in estimates))
        room = 0.3 * (high - low)  # for the words above the outermost points
        kept.set_xlim(low - room, high + room)
    kept.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    kept.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    kept.tick_params(axis="y", length=0)
    kept.set_xlabel("target's share of the source's mean")
    kept.set_title("Retention")
    return figure


def _points(
    axes: Axes,
    estimates: Sequence[Estimate],
    places: npt.NDArray[np.floating[Any]],
    colour: str,
    label: str,
) -> None:
    middle = [estimate.value for estimate in estimates]
    ends = [
        [max(0.0, estimate.value - estimate.low) for estimate in estimates],
        [max(0.0, estimate.high - estimate.value) for estimate in estimates],
    ]
    axes.errorbar(
        middle,
        places,
        xerr=ends,
        fmt="o",
        color=colour,
        capsize=3,
        markersize=6,
        label=label,
        clip_on=False,
    )


def _differences(result: QualityResult) -> Figure:
    row = result.measures[0]
    differences = np.sort(
        [one.target[row.measure] - one.source[row.measure] for one in result.per_query]
    )[::-1]
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    at = np.arange(1, len(differences) + 1)
    width = 1.0 if len(differences) > 60 else 0.8  # noqa: PLR2004 - gaps vanish beyond
    for lane, colour, count, some in (
        (result.target.lane, _TARGET, row.better, differences > 0),
        (result.source.lane, _SOURCE, row.worse, differences < 0),
    ):
        axes.bar(
            at[some], differences[some], width, color=colour, label=f"{lane} better: {count:,}"
        )
    axes.plot([], [], " ", label=f"the same: {row.equal:,}")
    mean = row.target.value - row.source.value
    axes.axhline(mean, color=_INK, linewidth=1, linestyle="--", label=f"mean: {mean:+.3f}")
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.set_ylim(-1.05, 1.05)
    axes.set_xlim(0.4, len(at) + 0.6)
    axes.set_xlabel("queries, in order of the difference")
    axes.set_ylabel(f"{row.measure}: {result.target.lane} - {result.source.lane}")
    axes.set_title(f"Difference in {row.measure}, query by query")
    axes.legend(loc="upper right")
    return figure


def _agreement(result: QualityResult) -> Figure:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    overlap, ranks = figure.subplots(1, 2)
    floors = [one for one in result.per_query if one.floor_overlap is not None]
    edges = (np.arange(result.k + 2) - 0.5) / result.k
    if result.k > 20:  # noqa: PLR2004 - more bars could not be told apart
        edges = np.linspace(0, 1, 21)
    centres, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)[0]
    for offset, colour, label, values in (
        (
            -0.2,
            _FLOOR,
            f"{result.source.lane} asked twice (noise floor)",
            [one.floor_overlap for one in floors],
        ),
        (
            0.2,
            _BOTH,
            f"{result.source.lane} and {result.target.lane}",
            [one.overlap for one in result.per_query],
        ),
    ):
        counts = np.histogram(np.array(values, dtype=float), bins=edges)[0]
        share = counts / max(1, len(values))
        overlap.bar(centres + offset * width, share, 0.4 * width, color=colour, label=label)
    _shares(overlap, f"share of the top {result.k} in common", "share of the queries")
    overlap.set_title(f"Overlap of the top {result.k}")
    ranks.set_title("Rank-biased overlap")
    for colour, values in (
        (_FLOOR, [one.floor_rank_biased_overlap for one in floors]),
        (_BOTH, [one.rank_biased_overlap for one in result.per_query]),
    ):
        if values:
            ranks.ecdf(np.array(values, dtype=float), color=colour, linewidth=2)
    _shares(ranks, "rank-biased overlap (p = 0.9)", "share of the queries at or below")
    ranks.set_xlim(-0.02, 1.02)
    figure.legend(*overlap.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _shares(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_ylim(0, 1.02)


def _similarities(result: QualityResult) -> Figure:
    sample = result.sample
    assert sample is not None  # noqa: S101 - the caller looked
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    cosines, near = figure.subplots(1, 2)
    together = 1 if sum(sample.source.histogram) > _MANY_PAIRS else _BINS_OF_FEW
    edges = np.linspace(-1, 1, BINS // together + 1)
    for colour, lane, vectors in (
        (_SOURCE, result.source.lane, sample.source),
        (_TARGET, result.target.lane, sample.target),
    ):
        counts = np.array(vectors.histogram, dtype=float).reshape(-1, together).sum(axis=1)
        density = counts / counts.sum() / np.diff(edges)
        cosines.stairs(density, edges, color=colour, fill=True, alpha=0.25)
        said = f"{lane}, mean {vectors.mean_cosine:.3f}"
        cosines.stairs(density, edges, color=colour, linewidth=1.5, label=said)
        cosines.axvline(vectors.mean_cosine, color=colour, linestyle="--", linewidth=1)
    lowest = min(vectors.quantiles["p1"] for vectors in (sample.source, sample.target))
    cosines.set_xlim(max(-1, lowest - 0.2), 1)
    cosines.set_xlabel("cosine of two documents' vectors in one lane")
    cosines.set_ylabel("density over all pairs")
    cosines.set_title(f"Similarity of {sample.rows:,} random documents")
    _legend_below(cosines)
    _neighbours(near, sample)
    return figure


def _neighbours(axes: Axes, sample: VectorSample) -> None:
    found = sample.neighbours
    shares = np.array(found.shares, dtype=float) / sum(found.shares)
    axes.bar(np.arange(found.k + 1), shares, 0.8, color=_BOTH)
    for at, style, label in (
        (found.agreement * found.k, "--", f"mean: {per_cent(found.agreement)}"),
        (found.by_chance * found.k, ":", f"by chance: {per_cent(found.by_chance)}"),
    ):
        axes.axvline(at, color=_INK, linestyle=style, linewidth=1.5, label=label)
    axes.set_xlabel(f"of a document's {found.k} nearest, common to both lanes")
    axes.set_ylabel("share of the documents")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Nearest neighbours")
    _legend_below(axes)


def _legend_below(axes: Axes) -> None:
    """A legend that covers nothing, whatever the shape of what is drawn."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
