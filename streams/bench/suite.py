"""All benches: what each is called, which parts of the stack it needs, how much it does."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from streams.bench.control import bench_control
from streams.bench.lane_cloud import bench_lane_cloud
from streams.bench.lane_ollama import bench_lane_ollama
from streams.bench.measure import Measure
from streams.bench.normalise import bench_normalise
from streams.bench.pipeline import bench_pipeline
from streams.bench.replay import bench_replay
from streams.bench.rounds import Progress
from streams.bench.serve import bench_serve
from streams.bench.verify import bench_verify
from streams.bench.yielding import bench_yield
from streams.stack.status import Endpoints

__all__ = ["BENCHES", "Bench", "parts_of"]


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench.

    Attributes:
        parts: those of `streams.stack.PARTS` that it needs.
        documents: in each run, unless told otherwise; orders or searches where it has those.
        run: endpoints, documents, progress → what was measured.
    """

    parts: tuple[str, ...]
    documents: int
    run: Callable[[Endpoints, int, Progress], Awaitable[list[Measure]]]


BENCHES = {
    "pipeline": Bench(("kafka", "milvus"), 12_000, bench_pipeline),
    "normalise": Bench(("kafka",), 20_000, bench_normalise),
    "lane cloud": Bench(("kafka", "milvus", "cloud"), 8_000, bench_lane_cloud),
    "lane ollama": Bench(("kafka", "milvus", "ollama"), 256, bench_lane_ollama),
    "replay": Bench(("kafka", "milvus", "ollama"), 192, bench_replay),
    "control": Bench(("kafka",), 300, bench_control),
    "serve": Bench(("kafka", "milvus", "cloud"), 300, bench_serve),
    "verify": Bench(("kafka", "milvus"), 200_000, bench_verify),
    "yield": Bench(("kafka", "milvus", "ollama"), 512, bench_yield),
}


def parts_of(benches: Sequence[str]) -> list[str]:
    """The parts that these benches need between them, each once."""
    return list(dict.fromkeys(part for name in benches for part in BENCHES[name].parts))
