"""What the demo does, in order, and whether it went well."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from streams.config.load import FILE_VARIABLE, load
from streams.demo import corpus
from streams.demo.configuration import CLOUD_KEY, write_configuration
from streams.demo.database import Application
from streams.demo.ending import finish, live_on
from streams.demo.evidence import events_by_kind, totals
from streams.demo.filling import Filled, change, fill, prepare
from streams.demo.moving import Back, compare, pass_the_gate, ramp_up_and_back, until_serving
from streams.demo.provider import answer_like_a_provider
from streams.demo.scene import Scene
from streams.demo.screen import Screen
from streams.demo.terminal import Terminal
from streams.demo.traffic import Traffic, searching
from streams.services.open import open_control, open_embedder, open_log, open_store
from streams.services.search import SearchResult, search
from streams.services.status import latest_reports
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
_PROBLEMS = 5
_NOTES = 8
"""One note for so many articles."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the summary is about, besides what stands in Kafka."""

    filled: Filled
    converged: float
    traffic: Traffic
    back: Back

    @property
    def unnoticed(self) -> bool:
        """Whether no search failed, or was answered by another lane than the flag's."""
        return self.traffic.failed == 0 and self.traffic.fallbacks == 0


def tell(home: Path, console: Console, *, documents: int, keep: bool) -> bool:
    """Run the demo in `home`, which is emptied first; whether every check passed.

    Args:
        home: a folder of the demo's own.
        console: the terminal, or whatever standard output is; commands print there, too.
        documents: how many articles to load.
        keep: leave the stack running at the end.

    Raises: StackError, HotswapError; also if a command did not end as it should.
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
        unnoticed = asyncio.run(_tell(screen, Home(home), endpoints, documents))
        done = True
        return unnoticed
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

    with screen.progress() as doing:

        def show(event: PartEvent) -> None:
            mark = {"ready": "[green]✓[/]", "failed": "[red]✗[/]"}.get(event.phase)
            line = f"{event.part:<9} {event.message or event.phase}"
            if mark is None:
                doing(line)
            else:
                screen.say(f"{mark} {line}")

        endpoints = stack.up(on_event=show)
    if endpoints.ollama_kind == "real":
        screen.say("Embedding locally with the [bold]real Ollama[/].")
    else:
        screen.say(
            "No Ollama is installed here, so a [bold]stand-in[/] speaks its API over the same"
            " MiniLM model."
        )
    return endpoints


@asynccontextmanager
async def _opened(screen: Screen, home: Home, endpoints: Endpoints) -> AsyncIterator[Scene]:
    configuration = home.path / "hotswap.toml"
    write_configuration(configuration, endpoints, home.port("serve"))
    secrets = {CLOUD_KEY: endpoints.cloud_api_key}
    os.environ.update(secrets)
    settings = load(configuration)
    source, target = settings.lanes
    async with AsyncExitStack() as exits:
        log, store = open_log(settings), open_store(settings)
        exits.push_async_callback(log.close)
        exits.push_async_callback(store.close)
        embedders = {lane: open_embedder(settings, lane) for lane in settings.lanes}
        for embedder in embedders.values():
            exits.push_async_callback(embedder.close)
        yield Scene(
            screen=screen,
            terminal=Terminal(screen, home, {FILE_VARIABLE: str(configuration), **secrets}),
            settings=settings,
            log=log,
            store=store,
            control=open_control(settings, log),
            embedders=embedders,
            application=Application(endpoints.postgres_dsn),
            source=source,
            target=target,
        )


async def _tell(screen: Screen, home: Home, endpoints: Endpoints, documents: int) -> bool:
    articles = corpus.articles(documents + _FRESH)
    notes = corpus.notes(documents // _NOTES)
    await answer_like_a_provider(screen, endpoints)
    async with _opened(screen, home, endpoints) as scene:
        url = f"http://127.0.0.1:{scene.settings.serve.port}"
        texts = [text for one in articles for text in (one.title, one.body.splitlines()[0])]
        await prepare(scene, articles[:documents], notes)
        async with AsyncExitStack() as roles:
            filled = await fill(scene, documents + len(notes), roles)
            converged = await change(scene, articles[documents:])
            await compare(scene, home.path)
            await until_serving(url)
            async with searching(url, texts) as traffic:
                await pass_the_gate(scene)
                back = await ramp_up_and_back(scene, traffic)
                screen.chapter("The same searches on both lanes")
                screen.searches([await _search(scene, query) for query in _QUERIES])
                await finish(scene)
        await live_on(scene)
        told = _Told(filled, converged, traffic, back)
        await _summary(scene, told)
    return told.unnoticed


async def _search(scene: Scene, query: str) -> dict[str, SearchResult]:
    state = await scene.control.refresh()
    return {
        lane: await search(
            query, lane, 3, state=state, embedder=scene.embedders[lane], store=scene.store
        )
        for lane in scene.lanes
    }


async def _summary(scene: Scene, told: _Told) -> None:
    screen, traffic = scene.screen, told.traffic
    screen.chapter("What happened")
    kinds = await events_by_kind(scene.log, [one.topic for one in scene.settings.sources])
    screen.table(["change events", "count"], sorted(kinds.items()))
    reports = await latest_reports(scene.log, scene.settings.kafka.topics.observations)
    lanes = {lane: totals(reports, f"embed:{lane}") for lane in scene.lanes}
    seconds = told.filled.seconds
    screen.table(
        ["", *lanes],
        [
            ["records taken", *(lane["records"] for lane in lanes.values())],
            ["texts embedded", *(lane["embedded"] for lane in lanes.values())],
            ["embedding calls", *(lane["calls"] for lane in lanes.values())],
            ["embeddings saved (text unchanged)", *(lane["rewritten"] for lane in lanes.values())],
            ["rows deleted", *(lane["deleted"] for lane in lanes.values())],
            ["dead letters", *(lane["dead_lettered"] for lane in lanes.values())],
            ["filled in", *(f"{seconds[lane]:.1f} s" for lane in lanes)],
            ["converged after the changes in", *(f"{told.converged:.1f} s" for _ in lanes)],
        ],
    )
    screen.table(
        ["reads", ""],
        [
            ["searches while reads moved", len(traffic.answers)],
            ["failed", traffic.failed],
            ["answered by another lane than the flag's", traffic.fallbacks],
            ["record of the rollback to first answer by it", f"{told.back.from_record:.0f} ms"],
        ],
    )
    for problem in traffic.problems[:_PROBLEMS]:
        screen.say(f"  [red]{escape(problem)}[/]")
    screen.say(
        "[bold green]The vectors have moved, and every id was verified.[/]"
        if told.unnoticed
        else "[bold red]Somebody noticed that reads moved.[/]"
    )
