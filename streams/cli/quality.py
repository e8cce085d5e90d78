"""`hotswap quality`: how well both lanes answer a set of queries, with numbers and pictures."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
import shlex
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streams.cli import output, quality_view, session
from streams.cli.lazy import require
from streams.cli.progress_bars import progress_bars
from streams.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from schemas import QualityObservation
    from streams.config import Settings
    from streams.services.quality.concluding import Wanted
    from streams.services.quality.measuring import Progress
    from streams.services.quality.report import Report
    from streams.services.quality.result import QualityResult

__all__ = ["command"]

PACKAGES = ("ir_measures", "matplotlib")
Pictures = Literal["png", "svg", "both", "none"]


def command(
    context: typer.Context,
    queries: Annotated[
        Path,
        typer.Option("--queries", metavar="FILE", help='Queries: {"_id": "…", "text": "…"} lines.'),
    ],
    *,
    qrels: Annotated[
        Path | None,
        typer.Option(
            "--qrels",
            metavar="FILE",
            help="What is relevant to them: `query-id corpus-id score` lines. Without, the lanes"
            " are only compared with each other.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="The corpus-ids are keys of this source; otherwise they are document ids.",
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="Hits of a query.")] = 10,
    sample: Annotated[
        int,
        typer.Option(min=0, max=20_000, help="Rows whose stored vectors to look at; 0: none."),
    ] = 1_000,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Of the sample and the intervals.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Where the report goes; a new folder, by default ./quality-<time>.",
        ),
    ] = None,
    pictures: Annotated[Pictures, typer.Option(help="Form of the report's pictures.")] = "png",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask and report, but publish nothing for the gate.")
    ] = False,
    json: session.Json = False,
) -> None:
    """Ask both lanes the same queries: what the target keeps of the source's quality.

    Writes a report with pictures, and publishes the result for the gate.
    """
    require("hotswap quality", PACKAGES, "quality")
    from streams.services.quality.concluding import Wanted
    from streams.services.quality.folder import must_be_free
    from streams.services.quality.reading import read_judgments, read_queries
    from streams.services.quality.report import Report, as_data

    settings = session.settings(context)
    folder = out or Path(time.strftime("quality-%Y%m%dT%H%M%SZ", time.gmtime()))
    must_be_free(folder)
    _check_source(settings, source, qrels)
    wanted = Wanted(
        queries=read_queries(queries),
        judged=None if qrels is None else read_judgments(qrels, source),
        k=k,
        sample=sample,
        seed=seed,
        by=session.operator(),
        hotswap_version=_version(),
    )
    report = Report(
        folder=folder,
        command=shlex.join(["hotswap", *sys.argv[1:]]),
        files={"--queries": str(queries)} | ({} if qrels is None else {"--qrels": str(qrels)}),
        formats={"png": ("png",), "svg": ("svg",), "both": ("png", "svg"), "none": ()}[pictures],
    )
    result, published = session.run(_quality(settings, wanted, report, publish=not dry_run))
    if json:
        data = {"published": published is not None, "report": str(folder)}
        output.print_json(as_data(result) | data)
    else:
        quality_view.show(result, output.console())
        quality_view.show_what_was_written(published, folder, output.console(), dry_run=dry_run)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hotswap")
    except PackageNotFoundError:
        return "from a source tree"


def _check_source(settings: "Settings", source: str | None, qrels: Path | None) -> None:
    if source is None:
        return
    if qrels is None:
        raise ConfigurationError("--source", "says nothing without --qrels", "leave it out")
    known = {one.name: one for one in settings.sources}
    if source not in known:
        raise ConfigurationError(
            f"--source {source}", "there is no such source", f"choose from: {', '.join(known)}"
        )
    if len(known[source].key) > 1:
        raise ConfigurationError(
            f"--source {source}",
            f"its key has {len(known[source].key)} columns",
            "write whole document ids into the judgments, as `hotswap search` shows them",
        )


async def _quality(
    settings: "Settings", wanted: "Wanted", report: "Report", *, publish: bool
) -> "tuple[QualityResult, QualityObservation | None]":
    """The result, and what was published of it, if anything was."""
    from streams.ports import NewRecord
    from streams.services.open import open_control, open_embedder, open_log, open_store
    from streams.services.quality.measuring import measure, query_lane, serving_lanes
    from streams.services.quality.report import write_report
    from streams.services.quality.result import observation

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        state = await open_control(settings, log).refresh()
        lanes = []
        for build in serving_lanes(state):
            embedder = open_embedder(settings, build.lane, build.fingerprint)
            exits.push_async_callback(embedder.close)
            lanes.append(query_lane(settings, build, store, embedder))
        source, target = lanes
        with progress_bars() as show:

            def on_progress(at: "Progress") -> None:
                show(at.part, at.done, at.total)

            result = await measure(wanted, source, target, state.version, on_progress)
            texts = {query.id: query.text for query in wanted.queries}
            await asyncio.to_thread(write_report, result, report, texts)
        told = observation(result)
        if told is None or not publish:
            return result, None
        topic = settings.kafka.topics.observations
        try:
            await log.append([NewRecord(topic, target.name.encode(), told.encode())])
        except TransientError as error:
            raise TransientError(
                f"the report is in {report.folder}, but was not published for the gate: {error}"
            ) from error
        return result, told
