"""A control log that grows on a desk, and its fold."""

import json
from collections.abc import Sequence
from typing import Any

from schemas import Stage
from streams.core.records import LogRecord
from streams.migration.fold import Fold, Folded
from streams.migration.state import State
from streams.migration.verdicts import Accepted, Verdict

START = 1_800_000_000_000
HOUR, DAY, WEEK = 3_600, 86_400, 604_800
FINGERPRINT = {"provider": "memory", "model": "m", "dimensions": 8}


def record(offset: int, time: int, value: bytes | None) -> LogRecord:
    return LogRecord("control", 0, offset, None, value, time)


class Log:
    """Appends commands as JSON and folds them at once.

    `as_of` of evidence is the newest record unless it is given; so is every `id` a new one.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self.fold = Fold(keys)
        self.records: list[LogRecord] = []
        self.now = START

    @property
    def state(self) -> State:
        return self.fold.state

    def is_proven(self, lane: str) -> bool:
        return self.state.lanes[lane].fully_written

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    def append(self, value: bytes | None) -> Folded:
        appended = record(len(self.records), self.now, value)
        self.records.append(appended)
        return self.fold.take(appended)

    def order(self, kind: str, **fields: Any) -> Folded:
        command: dict[str, Any] = {"kind": kind, "id": f"id-{len(self.records)}", "by": "desk"}
        if kind in {"preflight", "verify", "gate", "health"}:
            command["as_of"] = len(self.records) - 1
        return self.append(json.dumps({**command, **fields}).encode())

    def verdict(self, kind: str, **fields: Any) -> Verdict:
        return self.order(kind, **fields).verdict

    def accept(self, kind: str, **fields: Any) -> Accepted:
        verdict = self.verdict(kind, **fields)
        assert isinstance(verdict, Accepted), verdict
        return verdict

    def start(self, lane: str, build: int = 1, **fields: Any) -> Verdict:
        return self.verdict(
            "build",
            action="start",
            lane=lane,
            build=build,
            collection=f"documents_{lane}_{build}",
            fingerprint=FINGERPRINT,
            documents_partitions=12,
            **fields,
        )

    def define(self, source="cloud", target="ollama", salt="salt", **fields: Any) -> Verdict:
        return self.verdict("migration", source=source, target=target, salt=salt, **fields)

    def verify(self, lane="ollama", build=1, verdict="clean", **fields: Any) -> Verdict:
        return self.verdict(
            "verify", lane=lane, build=build, verdict=verdict, documents=9, rows=9, **fields
        )

    def health(self, verdict="healthy", samples=100, **fields: Any) -> Verdict:
        return self.verdict("health", verdict=verdict, samples=samples, **fields)

    def stage(self, to: str, **fields: Any) -> Verdict:
        return self.verdict("stage", to=to, **fields)

    def ramp(self, percent: float) -> None:
        """One step up, with the evidence that it takes."""
        self.health()
        self.accept("ramp", percent=percent)


def begun() -> Log:
    """Two lanes and a migration between them: stage off."""
    log = Log()
    log.start("cloud")
    log.start("ollama")
    log.define()
    return log


def walked(to: Stage | str, percent: float = 100) -> Log:
    """The way forward to a stage, without force; to `live`, with that ramp."""
    log = begun()
    for stage in list(Stage)[1 : list(Stage).index(Stage(to)) + 1]:
        _prepare(log, stage)
        log.accept("stage", to=stage)
        if stage is Stage.LIVE and percent:
            log.ramp(percent)
    assert log.state.stage == to
    return log


def _prepare(log: Log, stage: Stage) -> None:
    if stage is Stage.DUALWRITE:
        log.accept("preflight", verdict="pass")
    elif stage is Stage.SHADOW:
        log.verify()
    elif stage is Stage.LIVE:
        log.accept("gate", verdict="successful")
    elif stage is Stage.RAMPDOWN:
        log.wait(HOUR)
    else:
        log.wait(WEEK)
        log.verify()
