"""From an empty Milvus to two lanes that hold every row, and keep up with the application."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from streams.demo.corpus import Article, Note
from streams.demo.database import Step
from streams.demo.scene import Scene

__all__ = ["Filled", "change", "fill", "prepare"]


@dataclass(frozen=True, slots=True)
class Filled:
    """Seconds that each lane took to hold the whole snapshot."""

    seconds: dict[str, float]


async def prepare(scene: Scene, articles: list[Article], notes: list[Note]) -> None:
    """Load the tables, and make topics, collections and the connector."""
    scene.screen.chapter("A corpus in Postgres, topics, collections and the connector")
    await scene.application.load(articles, notes)
    scene.screen.say(f"{len(articles)} articles and {len(notes)} notes are in Postgres.")
    await scene.terminal.run("init")
    await scene.control.refresh()


async def fill(scene: Scene, total: int, roles: AsyncExitStack) -> Filled:
    """Look whether all is ready, then fill both lanes; the roles go on until `roles` ends."""
    screen, terminal = scene.screen, scene.terminal
    screen.chapter("Is everything ready, and what will it cost?")
    await roles.enter_async_context(terminal.running("normalise", "up", "normalise"))

    async def normalised() -> bool:
        ends = await scene.log.ends(scene.settings.kafka.topics.documents)
        return sum(ends.values()) >= total

    await scene.until(normalised, "the snapshot is normalised")
    await terminal.run("preflight", "--brief")
    await terminal.run("plan")

    screen.chapter("Stage dualwrite: both lanes fill from the snapshot")
    await terminal.run("stage", "dualwrite")
    embed = [f"embed:{lane}" for lane in scene.lanes]
    await roles.enter_async_context(terminal.running("roles", "up", *embed, "serve"))
    filled = await _bars(scene, total)
    await terminal.run("backfill")
    return filled


async def _bars(scene: Scene, total: int) -> Filled:
    started = time.monotonic()
    seconds: dict[str, float] = {}
    async with scene.screen.bars(scene.lanes, total) as bars:

        async def full() -> bool:
            for lane in scene.lanes:
                rows = await scene.rows(lane)
                bars.show(lane, rows)
                if rows >= total:
                    seconds.setdefault(lane, time.monotonic() - started)
            return len(seconds) == len(scene.lanes)

        await scene.until(full, "the lanes are filled")
    return Filled(seconds)


async def change(scene: Scene, fresh: list[Article]) -> float:
    """Let the application go on; seconds until both lanes hold what it has made."""
    screen = scene.screen
    screen.chapter("The application goes on changing rows")

    def told(step: Step) -> None:
        screen.say(f"[green]✓[/] {step.rows:>4} {step.told}")

    await scene.application.change(fresh, told)
    seconds = await scene.converged()
    screen.say(f"Both lanes hold exactly the database's rows again, {seconds:.1f} s later.")
    screen.chapter("Every id, verified in both lanes")
    await scene.terminal.run("verify")
    return seconds
