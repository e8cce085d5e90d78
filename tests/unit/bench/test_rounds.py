"""In which order runs are taken."""

from dataclasses import dataclass, field

from streams.bench.measure import Pair
from streams.bench.rounds import Rates, Run, alternate


@dataclass
class Journal:
    """Notes what begins, and makes runs that note what they are asked for."""

    begun: list[tuple[str, int]] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def begin(self, what: str, total: int) -> None:
        self.begun.append((what, total))

    def advance(self, count: int) -> None:
        raise AssertionError(f"the runs of this test do not move, and {count} is not 0")

    def run(self, what: str, *, share: float = 1.0) -> Run:
        async def rate(count: int) -> float:
            self.asked.append((what, count))
            return float(len(self.asked))

        return Run(what, rate, share)


async def test_references_are_taken_before_between_and_after_what_is_measured():
    journal = Journal()
    rates = await alternate(
        journal.run("m"),
        [journal.run("a"), journal.run("b")],
        journal,
        documents=100,
        warm_up=10,
        rounds=2,
    )
    assert "".join(what for what, count in journal.asked if count == 10) == "abm"
    # The other way round every other time: before and after are equally far from "m".
    assert "".join(what for what, count in journal.asked if count == 100) == "abmbamab"
    assert rates.measured == [6.0, 9.0]
    assert rates.references == {"a": [4.0, 8.0, 10.0], "b": [5.0, 7.0, 11.0]}


def test_a_run_is_paired_with_the_mean_of_the_references_around_it():
    rates = Rates(measured=[20.0, 21.0], references={"a": [30.0, 50.0, 60.0]})
    assert rates.beside("a") == [Pair(20.0, 40.0), Pair(21.0, 55.0)]


def test_a_steady_drift_of_the_machine_leaves_no_trace_in_the_ratios():
    rates = Rates(measured=[45.0, 43.0], references={"a": [46.0, 44.0, 42.0]})
    assert [pair.ratio for pair in rates.beside("a")] == [1.0, 1.0]


async def test_who_is_warm_already_need_not_warm_up():
    journal = Journal()
    await alternate(journal.run("m"), [journal.run("r")], journal, documents=5, warm_up=0, rounds=1)
    assert journal.asked == [("r", 5), ("m", 5), ("r", 5)]


async def test_warming_up_comes_first_and_does_not_count():
    journal = Journal()
    rates = await alternate(
        journal.run("m"), [journal.run("r")], journal, documents=5, warm_up=2, rounds=1
    )
    assert journal.asked[:2] == [("r", 2), ("m", 2)]
    assert min(rates.measured + rates.references["r"]) > 2


async def test_a_slow_reference_takes_its_share_but_at_least_one():
    journal = Journal()
    slow = journal.run("slow", share=0.01)
    await alternate(journal.run("m"), [slow], journal, documents=500, warm_up=10, rounds=1)
    assert [count for what, count in journal.asked if what == "slow"] == [1, 5, 5]


async def test_every_run_is_told_with_its_number():
    journal = Journal()
    await alternate(
        journal.run("lane"), [journal.run("bare")], journal, documents=5, warm_up=2, rounds=1
    )
    assert journal.begun == [
        ("bare, warming up", 2),
        ("lane, warming up", 2),
        ("bare, 1 of 2", 5),
        ("lane, 1 of 1", 5),
        ("bare, 2 of 2", 5),
    ]


def test_the_slowest_reference_is_the_one_with_the_lowest_median():
    rates = Rates(references={"fast": [9.0, 9.0, 1.0], "slow": [3.0, 3.0, 99.0]})
    assert rates.slowest == "slow"
