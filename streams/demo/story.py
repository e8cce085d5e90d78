"""What the demo does, in order, and whether it went well."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from schemas import Finding, Verdict, VerifyReport
from streams.config import Settings
from streams.config.load import load
from streams.demo import corpus
from streams.demo.configuration import CLOUD_KEY, write_configuration
from streams.demo.database import Application, Step
from streams.demo.evidence import events_by_kind, totals
from streams.demo.roles import running_roles
from streams.demo.screen import Screen
from streams.demo.walk import begin, walk
from streams.errors import TransientError
from streams.migration.state import State
from streams.ports import Embedder, Log, VectorStore
from streams.services.control import ControlLog
from streams.services.initialise import initialise
from streams.services.lag import lag_of_role
from streams.services.open import open_connect, open_control, open_embedder, open_log, open_store
from streams.services.search import SearchResult, search
from streams.services.status import latest_reports
from streams.services.verify_lane import record, verify_lane
from streams.stack import Stack
from streams.stack.home import Home
from streams.stack.status import Endpoints, PartEvent

__all__ = ["tell"]

_QUERIES = (
    "parse command line arguments",
    "compress data into a file",
    "wait for a coroutine with a timeout",
    "send an email message",
    "read a configuration file",
)
_FRESH = 20
_PATIENCE_SECONDS = 300.0


class _Story:
    """The parts of a demo that is under way."""

    def __init__(
        self, screen: Screen, settings: Settings, endpoints: Endpoints, log: Log, store: VectorStore
    ) -> None:
        self.screen = screen
        self.settings = settings
        self.log = log
        self.store = store
        self.application = Application(endpoints.postgres_dsn)
        self.embedders: dict[str, Embedder] = {}
        self.state = State()

    async def rows(self, lane: str) -> int:
        return await self.store.count(self.state.lanes[lane].pinned.collection)

    async def ids(self, lane: str) -> set[str]:
        collection = self.state.lanes[lane].pinned.collection
        return {row.id async for page in self.store.scan(collection) for row in page}

    async def lag(self) -> int:
        """Records that some role has not finished yet, over all topics."""
        roles = ("normalise", *(f"embed:{lane}" for lane in self.settings.lanes))
        lags = [await lag_of_role(self.log, self.settings, role) for role in roles]
        return sum(sum(lag.values()) for lag in lags)


def tell(home: Path, console: Console, *, documents: int, keep: bool) -> bool:
    """Run the demo in `home`, which is emptied first; whether every check passed.

    Args:
        home: a folder of the demo's own.
        console: where to print.
        documents: how many articles to load.
        keep: leave the stack running at the end.

    Raises: StackError, HotswapError.
    """
    screen = Screen(console)
    stack = Stack(home, die_with=None if keep else os.getpid())
    stack.down()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    done = False
    try:
        # Outside of the event loop, where Ctrl-C interrupts it at once.
        endpoints = _start(screen, stack)
        clean = asyncio.run(_tell(screen, home / "hotswap.toml", endpoints, documents))
        done = True
        return clean
    finally:
        if keep and done:
            screen.say(
                f"\nThe stack still runs. Look around with [bold]hotswap --config"
                f" {home / 'hotswap.toml'} status[/], and end it with [bold]hotswap stack down"
                f" --home {home}[/]."
            )
        else:
            stack.down()
            screen.say(f"[dim]the stack is down; logs are in {home / 'logs'}[/]")


def _start(screen: Screen, stack: Stack) -> Endpoints:
    screen.chapter("The stack")

    def show(event: PartEvent) -> None:
        if event.phase in ("resolving", "ready", "failed"):
            mark = {"ready": "[green]✓[/]", "failed": "[red]✗[/]"}.get(event.phase, "·")
            screen.say(f"{mark} {event.part:<9} {event.message or event.phase}")

    endpoints = stack.up(on_event=show)
    if endpoints.ollama_kind == "real":
        screen.say("Embedding locally with the [bold]real Ollama[/].")
    else:
        screen.say(
            "No Ollama is installed here, so a [bold]stand-in[/] speaks its API over the same"
            " MiniLM model."
        )
    return endpoints


async def _tell(screen: Screen, configuration: Path, endpoints: Endpoints, documents: int) -> bool:
    write_configuration(configuration, endpoints, Home(configuration.parent).port("serve"))
    os.environ[CLOUD_KEY] = endpoints.cloud_api_key
    settings = load(configuration)
    async with AsyncExitStack() as exits:
        log, store = open_log(settings), open_store(settings)
        exits.push_async_callback(log.close)
        exits.push_async_callback(store.close)
        story = _Story(screen, settings, endpoints, log, store)
        for lane in settings.lanes:
            story.embedders[lane] = open_embedder(settings, lane)
            exits.push_async_callback(story.embedders[lane].close)
        return await _run(story, configuration, endpoints, documents)


async def _run(story: _Story, configuration: Path, endpoints: Endpoints, documents: int) -> bool:
    screen, lanes = story.screen, list(story.settings.lanes)
    screen.chapter("A corpus in Postgres, topics, collections and the connector")
    articles = corpus.articles(documents + _FRESH)
    notes = corpus.notes(documents // 8)
    await story.application.load(articles[:documents], notes)
    screen.say(f"{documents} articles and {len(notes)} notes are in Postgres.")
    connect = open_connect(story.settings)
    try:
        steps = await initialise(story.settings, story.log, story.store, story.embedders, connect)
    finally:
        await connect.close()
    for step in steps:
        screen.say(f"[green]✓[/] {step.name}: {step.action}")
    control = open_control(story.settings, story.log)
    story.state = await control.refresh()

    async with running_roles(configuration, lanes, endpoints.log_dir):
        screen.chapter("Stage dualwrite: both lanes fill from the snapshot")
        screen.say(f"[green]✓[/] {await begin(control)}")
        filled = await _fill(story, documents + len(notes))
        screen.chapter("The application goes on changing rows")

        def told(step: Step) -> None:
            screen.say(f"[green]✓[/] {step.rows:>4} {step.told}")

        await story.application.change(articles[documents:], told)
        converged = await _converge(story)
        screen.say(f"Both lanes hold exactly the database's rows again, {converged:.1f} s later.")
        screen.chapter("Every id, verified in both lanes")
        reports = {lane: await _verify(story, control, lane) for lane in lanes}
        _show_verify(screen, reports)
        screen.chapter("Reads move over and back, while searches go on")
        url = f"http://127.0.0.1:{story.settings.serve.port}"
        texts = [article.title for article in articles[:500]]
        walked = await walk(screen, control, url, lanes, texts)
    screen.chapter("The same searches on both lanes")
    story.screen.searches([await _search(story, query) for query in _QUERIES])
    screen.chapter("What happened")
    await _summary(story, filled, converged)
    screen.table(
        ["reads", ""],
        [
            ["searches while reads moved", walked.searches],
            ["failed", walked.failed],
            ["answered by another lane than the flag's", walked.fallbacks],
            ["order to roll back to first answer by it", f"{walked.rollback_ms:.0f} ms"],
        ],
    )
    clean = all(report.verdict is Verdict.CLEAN for report in reports.values())
    screen.say(
        "[bold green]Both lanes are clean.[/]" if clean else "[bold red]A lane is not clean.[/]"
    )
    if not walked.ok:
        screen.say("[bold red]Somebody noticed that reads moved.[/]")
    return clean and walked.ok


async def _fill(story: _Story, total: int) -> dict[str, float]:
    """Seconds that each lane took to hold `total` rows."""
    started = time.monotonic()
    filled: dict[str, float] = {}
    async with story.screen.bars(list(story.settings.lanes), total) as bars:
        deadline = started + _PATIENCE_SECONDS
        while len(filled) < len(story.settings.lanes):
            for lane in story.settings.lanes:
                rows = await story.rows(lane)
                bars.show(lane, rows)
                if rows >= total:
                    filled.setdefault(lane, time.monotonic() - started)
            await _pause(deadline, "the lanes are filled")
    return filled


async def _converge(story: _Story) -> float:
    """Seconds until every lane holds the database's ids and nothing is left to do."""
    started = time.monotonic()
    wanted = await story.application.ids()

    async def converged() -> bool:
        for lane in story.settings.lanes:
            if await story.ids(lane) != wanted:
                return False
        return await story.lag() == 0

    await _until(converged, started + _PATIENCE_SECONDS, "the lanes have converged")
    return time.monotonic() - started


async def _until(condition: Callable[[], Awaitable[bool]], deadline: float, what: str) -> None:
    while not await condition():
        await _pause(deadline, what)


async def _pause(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise TransientError(f"waited {_PATIENCE_SECONDS:.0f} s in vain until {what}; see the logs")
    await asyncio.sleep(0.25)


async def _verify(story: _Story, control: ControlLog, lane: str) -> VerifyReport:
    """The lane's report, recorded as evidence, which the next stage asks for."""
    verified = await verify_lane(
        story.settings, lane, control, story.log, story.store, wait_seconds=60.0
    )
    await record(control, verified, "hotswap demo")
    return verified.report


def _show_verify(screen: Screen, reports: Mapping[str, VerifyReport]) -> None:
    rows: list[list[object]] = [
        ["documents", *(report.documents for report in reports.values())],
        ["rows", *(report.rows for report in reports.values())],
    ]
    for finding in Finding:
        counts = [report.counts[finding] for report in reports.values()]
        rows.append([finding.replace("_", " "), *counts])
    screen.table(["", *reports], rows)


async def _search(story: _Story, query: str) -> dict[str, SearchResult]:
    return {
        lane: await search(
            query, lane, 3, state=story.state, embedder=story.embedders[lane], store=story.store
        )
        for lane in story.settings.lanes
    }


async def _summary(story: _Story, filled: Mapping[str, float], converged: float) -> None:
    topics = [source.topic for source in story.settings.sources]
    kinds = await events_by_kind(story.log, topics)
    story.screen.table(["change events", "count"], sorted(kinds.items()))
    reports = await latest_reports(story.log, story.settings.kafka.topics.observations)
    lanes = {lane: totals(reports, f"embed:{lane}") for lane in story.settings.lanes}
    story.screen.table(
        ["", *lanes],
        [
            ["records taken", *(lane["records"] for lane in lanes.values())],
            ["texts embedded", *(lane["embedded"] for lane in lanes.values())],
            ["embedding calls", *(lane["calls"] for lane in lanes.values())],
            ["embeddings saved (text unchanged)", *(lane["rewritten"] for lane in lanes.values())],
            ["rows deleted", *(lane["deleted"] for lane in lanes.values())],
            ["dead letters", *(lane["dead_lettered"] for lane in lanes.values())],
            ["filled in", *(f"{filled[lane]:.1f} s" for lane in lanes)],
            ["converged after the changes in", *(f"{converged:.1f} s" for _ in lanes)],
        ],
    )
