"""The migration by hand: from dual writes to all reads on the target, and back in between.

Every step is a record on the control log, given as `hotswap stage` and its like give it. What
only commands of a later version can prove is forced past, with a reason, and says so.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from schemas import FlagSet, RampSet, Rollback, Stage, StageSet
from schemas.command import Command
from streams.demo.screen import Screen
from streams.demo.traffic import Answer, Traffic, latency, searching
from streams.errors import HotswapError, TransientError
from streams.migration.verdicts import Accepted
from streams.services.control import ControlLog

__all__ = ["WALK", "Walk", "begin", "walk"]

_BY = "hotswap demo"
_WHY = "the demo has neither preflight, gate nor health yet"
_ANSWERS = 150
_PATIENCE_SECONDS = 60.0
_BAR = 20


def _command(kind: type[Command], **fields: Any) -> Command:  # noqa: ANN401 - the command's own
    return kind(id=str(uuid.uuid4()), by=_BY, **fields)


def _forced(kind: type[Command], **fields: Any) -> Command:  # noqa: ANN401 - the command's own
    return _command(kind, force=True, reason=_WHY, **fields)


@dataclass(frozen=True, slots=True)
class Order:
    """One step: what an operator would type, and the record that it makes."""

    typed: str
    make: Callable[[], Command]


WALK: Sequence[Order] = (
    Order("hotswap stage shadow", lambda: _command(StageSet, to=Stage.SHADOW)),
    Order("hotswap stage live", lambda: _forced(StageSet, to=Stage.LIVE)),
    Order("hotswap ramp 0 --cohort staff", lambda: _forced(RampSet, cohorts=["staff"])),
    Order("hotswap ramp 5", lambda: _forced(RampSet, percent=5.0)),
    Order("hotswap ramp 50", lambda: _forced(RampSet, percent=50.0)),
    Order("hotswap rollback", lambda: _command(Rollback, reason="a demo of the way back")),
    Order("hotswap stage live", lambda: _forced(StageSet, to=Stage.LIVE)),
    Order("hotswap ramp 10", lambda: _forced(RampSet, percent=10.0)),
    Order("hotswap ramp 50", lambda: _forced(RampSet, percent=50.0)),
    Order("hotswap flag set true", lambda: _forced(FlagSet, value=True)),
)


@dataclass(frozen=True, slots=True)
class Walk:
    """How it went: searches in all, those that failed or fell back, and the way back's time.

    `rollback_ms`: from giving the order until the first search was answered by it.
    """

    searches: int
    failed: int
    fallbacks: int
    rollback_ms: float

    @property
    def ok(self) -> bool:
        """Whether nobody noticed."""
        return self.failed == 0 and self.fallbacks == 0


async def begin(control: ControlLog) -> str:
    """Enter `dualwrite`, so that both lanes are written; what the fold said.

    Raises: TransientError if it was not let through.
    """
    return await _give(control, _forced(StageSet, to=Stage.DUALWRITE))


async def walk(
    screen: Screen, control: ControlLog, url: str, lanes: Sequence[str], texts: Sequence[str]
) -> Walk:
    """Go through `WALK` under constant searches, and print who answers after each step.

    Raises: TransientError if a step is not let through, or answers stay away.
    """
    await _until_ready(url)
    rollback_ms = 0.0
    async with searching(url, texts) as traffic:
        for order in WALK:
            given_at = time.monotonic()
            verdict = await _give(control, order.make())
            answers = await _answers(traffic, control.state.version)
            screen.say(_line(order.typed, answers, lanes, verdict))
            if order.typed == "hotswap rollback":
                rollback_ms = 1000 * (answers[0].at - given_at)
                screen.say(f"  [bold]all reads are back on {lanes[0]}[/]: {rollback_ms:.0f} ms")
    return Walk(
        searches=len(traffic.answers),
        failed=traffic.failed,
        fallbacks=sum(answer.fallback for answer in traffic.answers),
        rollback_ms=rollback_ms,
    )


async def _give(control: ControlLog, command: Command) -> str:
    verdict = (await control.append(command)).verdict
    if not isinstance(verdict, Accepted):
        raise TransientError(f"the control log did not let the demo go on: {verdict}")
    forced = f" [dim](forced past {', '.join(verdict.overridden)})[/]" if verdict.overridden else ""
    return f"{verdict.effect}{forced}"


async def _answers(traffic: Traffic, version: int) -> list[Answer]:
    deadline = time.monotonic() + _PATIENCE_SECONDS

    def alive() -> None:
        if time.monotonic() > deadline:
            raise TransientError(f"no {_ANSWERS} answers by version {version} of the flag came")

    return await traffic.by(version, _ANSWERS, alive)


def _line(typed: str, answers: Sequence[Answer], lanes: Sequence[str], verdict: str) -> str:
    share = sum(answer.lane == lanes[1] for answer in answers) / len(answers)
    filled = round(share * _BAR)
    bar = f"[blue]{'░' * (_BAR - filled)}[/][green]{'█' * filled}[/]"
    median, worst = latency(answers)
    shares = f"{lanes[0]} {1 - share:>4.0%} {bar} {lanes[1]} {share:>4.0%}"
    return (
        f"[bold]{typed:<29}[/] {shares}\n"
        f"  {verdict} [dim]· p50 {median:.0f} ms, p99 {worst:.0f} ms[/]"
    )


async def _until_ready(url: str) -> None:
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
