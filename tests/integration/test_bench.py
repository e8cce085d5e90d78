"""Every bench once, tiny: that it works, not how fast anything is."""

from contextlib import nullcontext
from dataclasses import asdict
from functools import partial

import httpx
import pytest

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.bench.control import bench_control
from streams.bench.lane_cloud import bench_lane_cloud
from streams.bench.lane_ollama import bench_lane_ollama, lane_config
from streams.bench.normalise import bench_normalise
from streams.bench.pipeline import bench_pipeline
from streams.bench.replay import bench_replay
from streams.bench.serve import bench_serve
from streams.bench.site import open_site
from streams.bench.verify import bench_verify
from streams.bench.yielding import bench_yield

pytestmark = pytest.mark.stack

BENCHES = {
    "control": (partial(bench_control, processes=2, folded=1_000), 40, 3),
    "lane cloud": (partial(bench_lane_cloud, rounds=1, seconds=1.0), 100, 3),
    "lane ollama": (partial(bench_lane_ollama, rounds=1), 20, 1),
    "normalise": (partial(bench_normalise, rounds=1), 200, 2),
    "pipeline": (partial(bench_pipeline, rounds=1), 300, 1),
    "serve": (partial(bench_serve, rounds=1, stored=50, callers=2, latency_ms=5.0), 200, 3),
    "verify": (partial(bench_verify, rounds=1), 3_000, 3),
    "yield": (partial(bench_yield, rounds=1), 40, 2),
}


class Counter:
    """Adds up what each run says it has done."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, int, int]] = []

    def begin(self, what: str, total: int) -> None:
        self.runs.append((what, total, 0))

    def advance(self, count: int) -> None:
        what, total, done = self.runs[-1]
        self.runs[-1] = (what, total, done + count)


@pytest.mark.parametrize("name", BENCHES)
async def test_a_bench_measures_against_a_reference_that_did_the_same_work(stack, name):
    bench, documents, lines = BENCHES[name]
    counter = Counter()
    found = await bench(stack.endpoints(), documents, counter)
    assert len(found) == lines
    for measure in found:
        assert measure.measure.startswith(name)
        assert measure.value > 0 or measure.reach == 0  # of refused calls there is to be none
        assert measure.reference > 0
        assert measure.ratio == pytest.approx(measure.value / measure.reference)
        reaches = (
            measure.ratio <= measure.reach if measure.at_most else (measure.ratio >= measure.reach)
        )
        assert measure.ok == reaches
        assert list(asdict(measure)) == [
            "measure",
            "value",
            "unit",
            "reference",
            "ratio",
            "reach",
            "ok",
            "at_most",
            "ratios",
        ]
    assert all(done >= total for _, total, done in counter.runs), counter.runs


async def test_a_replay_of_unchanged_documents_makes_no_embedding_call(stack):
    _, calls = await bench_replay(stack.endpoints(), 20, Counter(), rounds=1)
    assert calls.reference >= 1  # the cold run did make some
    assert (calls.value, calls.ok) == (0, True)


async def test_the_cloud_stand_in_has_no_limits_after_its_bench(stack):
    endpoints = stack.endpoints()
    await bench_lane_cloud(endpoints, 20, Counter(), rounds=1, seconds=0.5)
    async with httpx.AsyncClient() as client:
        faults = await client.get(f"{endpoints.cloud_url.removesuffix('/v1')}/admin/faults")
    assert faults.json()["tokens_per_minute"] is None
    assert faults.json()["latency_ms"] == 0


@pytest.mark.parametrize("error", [None, RuntimeError("a run failed"), KeyboardInterrupt()])
async def test_a_site_leaves_no_topic_and_no_collection_behind(stack, error):
    with nullcontext() if error is None else pytest.raises(type(error)):
        async with open_site(stack.endpoints()) as site:
            await site.lane(lane_config(stack.endpoints()), MemoryEmbedder(8))
            assert await site.log.describe(site.documents) is not None
            name = site.settings.milvus.collection_prefix
            assert [each for each in await site.store.collections() if each.startswith(name)]
            if error is not None:
                raise error
    async with open_site(stack.endpoints()) as later:
        assert await later.log.describe(site.documents) is None
        assert not [each for each in await later.store.collections() if each.startswith(name)]
