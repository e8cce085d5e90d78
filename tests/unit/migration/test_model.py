"""A model of the migration: operators, machines and accidents on one control log."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from schemas import Stage
from streams.migration.fold import Fold
from tests.unit.migration import laws
from tests.unit.migration.commands import commands, written
from tests.unit.migration.log import walked
from tests.unit.migration.witness import Witness

pytestmark = pytest.mark.slow  # explores a few thousand states


class Migration(RuleBasedStateMachine):
    """Operators, machines and accidents on one control log, with two followers beside it.

    `forward` knows the way, so that walks come to every stage; everything else goes astray.
    """

    @initialize(
        stage=st.sampled_from(list(Stage)),
        end=st.sampled_from(["", "reopen", "retire"]),
        patient=st.booleans(),
    )
    def begin(self, stage: Stage, end: str, *, patient: bool) -> None:
        self.log = walked(stage)
        self.log.start("third")
        if not patient:
            holds = ("full_hold_seconds", "safety_seconds", "retire_hold_seconds")
            self.log.define(policy={"health_samples": 1, **dict.fromkeys(holds, 0)})
        if end and stage is Stage.COMPLETE:
            self.log.verdict(end, **({"lane": "cloud"} if end == "retire" else {}))
        self.follower, self.witness = Fold(), Witness()
        for one in self.log.records:
            self.witness.sees(self.follower.take(one), self.follower.state)

    def append(self, value: bytes | None) -> None:
        before = self.log.state
        folded = self.log.append(value)
        laws.is_lawful(before, folded, self.log.state)
        self.witness.sees(folded, self.log.state)
        assert laws.told(self.follower.take(self.log.records[-1])) == laws.told(folded)

    def order(self, command: dict[str, Any]) -> None:
        offset = len(self.log.records)
        now = self.log.fold.time
        self.append(written(command, offset, self.log.state.version, now))

    @rule(command=commands)
    def anything(self, command: dict[str, Any]) -> None:
        self.order(command)

    @rule()
    def forward(self) -> None:
        state = self.log.state
        assert state.migration is not None
        target = state.migration.target
        serving = state.lanes[target].serving
        fine = {"lane": target, "build": serving, "documents": 1, "rows": 1}
        stages = list(Stage)
        self.order({"kind": "resume", "lane": target})
        self.order({"kind": "preflight", "verdict": "pass", "back": 0})
        self.order({"kind": "verify", "verdict": "clean", "back": 0, **fine})
        self.order({"kind": "gate", "verdict": "successful", "back": 0})
        self.order({"kind": "health", "verdict": "healthy", "samples": 9, "back": 0})
        if state.stage is Stage.LIVE:
            self.order({"kind": "ramp", "percent": 100})
        if state.stage is not Stage.COMPLETE:
            to = stages[stages.index(state.stage) + 1]
            self.order({"kind": "stage", "to": to})

    @rule(backs=st.lists(st.sampled_from([None, None, 1, 2]), min_size=1, max_size=4))
    def hurry(self, backs: list[int | None]) -> None:
        """Force each step, upon no verify or one that may have looked too early."""
        hurried = {"force": True, "reason": "hurry"}
        for back in backs:
            state = self.log.state
            assert state.migration is not None
            lane = state.migration.target
            fine = {"lane": lane, "build": state.lanes[lane].serving, "documents": 1, "rows": 1}
            if back is not None:
                self.order({"kind": "verify", "verdict": "clean", "back": back, **fine})
            stages = list(Stage)
            ahead = stages[min(stages.index(state.stage) + 1, len(stages) - 1)]
            self.order({"kind": "stage", "to": ahead, **hurried})
            self.order({"kind": "ramp", "percent": 100, **hurried})

    @rule(stage=st.sampled_from(list(Stage)))
    def go_back(self, stage: Stage) -> None:
        self.order({"kind": "stage", "to": stage})

    @rule(lane=st.sampled_from(["cloud", "ollama", "third"]), number=st.integers(2, 4))
    def rebuild(self, lane: str, number: int) -> None:
        proof = {"verdict": "clean", "back": 0, "documents": 1, "rows": 1}
        self.order(
            {
                "kind": "build",
                "action": "start",
                "lane": lane,
                "build": number,
                "collection": "c",
                "fingerprint": {"provider": "memory", "model": "m", "dimensions": 8},
                "documents_partitions": 12,
            }
        )
        self.order({"kind": "verify", "lane": lane, "build": number, **proof})
        self.order({"kind": "build", "action": "promote", "lane": lane, "build": number})

    @rule()
    def open_the_way_back(self) -> None:
        state = self.log.state
        assert state.migration is not None
        source = state.migration.source
        self.order({"kind": "reopen"})
        self.order(
            {
                "kind": "verify",
                "lane": source,
                "build": state.lanes[source].serving,
                "verdict": "clean",
                "back": 0,
                "documents": 1,
                "rows": 1,
            }
        )

    @rule(to=st.sampled_from(["cloud", "ollama", "third"]))
    def next_migration(self, to: str) -> None:
        state = self.log.state
        assert state.migration is not None
        past = state.migration
        self.order({"kind": "retire", "lane": past.source})
        source = past.target if self.log.state.retired else past.source
        self.order({"kind": "migration", "source": source, "target": to, "salt": "next"})

    @rule(seconds=st.integers(-100_000, 1_000_000))
    def time_passes(self, seconds: int) -> None:
        self.log.now = max(0, self.log.now + seconds * 1_000)

    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.log.records) - 1))
        self.append(self.log.records[index].value)

    @rule(value=st.binary(max_size=9) | st.none())
    def rubbish(self, value: bytes | None) -> None:
        self.append(value)

    @rule()
    def follower_restarts(self) -> None:
        self.follower = Fold()
        for one in self.log.records:
            self.follower.take(one)

    @invariant()
    def is_lawful(self) -> None:
        if hasattr(self, "log"):
            laws.all_laws(self.log.fold)
            self.witness.vouches_for(self.log.state)
            assert self.follower.state == self.log.state
            assert self.follower.time == self.log.fold.time


TestMigration = Migration.TestCase
TestMigration.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
