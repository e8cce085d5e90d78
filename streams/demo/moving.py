"""Reads move over and back while searches go on: shadow, the gate, the ramp, one rollback."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from schemas.evidence import GateVerdict
from streams.demo.queries import QRELS, QUERIES, write_queries
from streams.demo.scene import Scene
from streams.demo.traffic import Answer, Traffic, latency
from streams.errors import HotswapError, TransientError
from streams.services.exit_criteria import Collector
from streams.services.open import open_control

__all__ = ["Back", "compare", "pass_the_gate", "ramp_up_and_back", "until_serving"]

_ANSWERS = 100
_PATIENCE_SECONDS = 60.0
_GATE_SECONDS = 180.0
_LOOK_SECONDS = 0.5
_BAR = 20
_FORCED = ("--force", "--reason", "watched by eye")


@dataclass(frozen=True, slots=True)
class Back:
    """How fast the way back was, in milliseconds.

    Attributes:
        from_record: from the record on the control log until the first search answered by it.
        from_typing: from starting the command.
    """

    from_record: float
    from_typing: float


async def compare(scene: Scene, folder: Path) -> None:
    """Enter shadow, and ask both lanes the same judged queries."""
    scene.screen.chapter("Shadow: is the target as good, and as fast?")
    await scene.terminal.run("stage", "shadow")
    count = write_queries(folder, await scene.application.bodies())
    scene.screen.say(
        f"\n[dim]# {count} judged queries: the first line of a docstring asks for its article.[/]"
    )
    files = ("--queries", QUERIES, "--qrels", QRELS, "--source", "articles")
    await scene.terminal.run("quality", *files, "--out", "quality")


async def pass_the_gate(scene: Scene) -> None:
    """Wait until enough searches were mirrored, and let the gate say whether reads may move."""
    scene.screen.say("\n[dim]# Searches come in now, and each is mirrored to the target.[/]")
    collector = Collector(scene.settings, scene.log, open_control(scene.settings, scene.log))
    wanted = scene.settings.gate.samples
    deadline = time.monotonic() + _GATE_SECONDS
    async with scene.screen.bars(["mirrored"], wanted) as bars:
        while time.monotonic() < deadline:
            judged = (await collector.look()).judged
            least = min(one.samples for one in judged.criteria if one.needed == wanted)
            bars.show("mirrored", min(least, wanted))
            if judged.verdict is not GateVerdict.INCONCLUSIVE:
                break
            await asyncio.sleep(_LOOK_SECONDS)
    await scene.terminal.run("gate")


async def ramp_up_and_back(scene: Scene, traffic: Traffic) -> Back:
    """Go to 100 % in steps, with a rollback on the way."""
    screen = scene.screen
    screen.chapter("Reads move over and back, while searches go on")
    screen.say(
        "[dim]# Nothing records the health of reads yet, so whoever raises the ramp says why.[/]"
    )
    await _step(scene, traffic, "stage", "live")
    await _step(scene, traffic, "ramp", "5", "--cohort", "staff", *_FORCED)
    await _step(scene, traffic, "ramp", "10", *_FORCED)
    await _step(scene, traffic, "ramp", "50", *_FORCED)
    began = time.time()
    first = await _step(scene, traffic, "rollback", "--reason", "a look at the way back")
    back = Back(1000 * first.at - scene.control.state.stage_since, 1000 * (first.at - began))
    screen.say(
        f"  [bold]all reads are back on {scene.source}[/]: {back.from_record:.0f} ms after the"
        f" record, {back.from_typing / 1000:.1f} s after the command was typed"
    )
    await _step(scene, traffic, "stage", "live")
    await _step(scene, traffic, "ramp", "50", *_FORCED)
    await _step(scene, traffic, "flag", "set", "true", *_FORCED)
    return back


async def _step(scene: Scene, traffic: Traffic, *words: str) -> Answer:
    """Give an order, and show who answers then; the first answer by it."""
    await scene.terminal.run(*words)
    state = await scene.control.refresh()
    answers = await _answers(traffic, state.version, _ANSWERS)
    scene.screen.say(_line(answers, scene.lanes))
    return answers[0]


async def _answers(traffic: Traffic, version: int, count: int) -> list[Answer]:
    deadline = time.monotonic() + _PATIENCE_SECONDS

    def alive() -> None:
        if time.monotonic() > deadline:
            raise TransientError(f"no {count} answers by version {version} of the flag came")

    return await traffic.by(version, count, alive)


def _line(answers: Sequence[Answer], lanes: tuple[str, str]) -> str:
    source, target = lanes
    share = sum(answer.lane == target for answer in answers) / len(answers)
    filled = round(share * _BAR)
    bar = f"[blue]{'░' * (_BAR - filled)}[/][green]{'█' * filled}[/]"
    median, worst = latency(answers)
    return (
        f"  {source} {1 - share:>4.0%} {bar} {target} {share:>4.0%}"
        f" [dim]· p50 {median:.0f} ms, p99 {worst:.0f} ms[/]"
    )


async def until_serving(url: str) -> None:
    """Wait until `hotswap serve` is ready.

    Raises: TransientError if it is not within a minute.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    async with httpx.AsyncClient(base_url=url) as client:
        while True:
            try:
                if (await client.get("/readyz")).is_success:
                    return
            except httpx.HTTPError as error:
                problem: HotswapError = TransientError(f"hotswap serve does not answer: {error}")
            else:
                problem = TransientError("hotswap serve is not ready")
            if time.monotonic() > deadline:
                raise problem
            await asyncio.sleep(0.1)
