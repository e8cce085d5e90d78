"""What is news about the flag, and that a watch tells it, once, until it is stopped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from streams.client.watch import News, Seen, Standing, Watch, look, news
from streams.core.routing import Routing
from streams.services.serving.control_view import ControlView
from tests.unit.client.world import reached, threads

ROUTING = Routing("cloud", "ollama", percent=5.0, mirrored=True, salt="x", version=7)


@dataclass
class Control:
    """A flag as the test says it is."""

    folded: bool = True
    routing: Routing | None = ROUTING
    age: float = 0.0
    problem: str | None = None
    listeners: list[Callable[..., None]] = field(default_factory=list)

    @property
    def view(self) -> ControlView:
        return ControlView(
            folded=lambda: self.folded,
            routing=lambda: self.routing,
            readable=frozenset,
            build=lambda _lane: pytest.fail("the flag needs no build"),
            age=lambda: self.age,
            problem=lambda: self.problem,
            listen=self.listen,
        )

    def listen(self, listener: Callable[..., None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def fold(self, **changes: object) -> None:
        assert self.routing is not None
        self.routing = replace(self.routing, **changes)  # type: ignore[arg-type]
        for listener in list(self.listeners):
            listener(None)


@pytest.mark.parametrize(
    ("control", "standing"),
    [
        (Control(), Standing.CURRENT),
        (Control(age=10.0), Standing.CURRENT),
        (Control(age=10.1), Standing.STALE),
        (Control(routing=None), Standing.CURRENT),
        (Control(folded=False, age=float("inf")), Standing.UNKNOWN),
        (Control(problem="gone"), Standing.LOST),
        (Control(folded=False, age=float("inf"), problem="gone"), Standing.LOST),
    ],
)
def test_what_the_flags_answers_are_worth(control, standing):
    assert look(control.view, 10.0).standing is standing


def test_a_routing_that_is_not_known_yet_is_not_looked_at():
    assert look(Control(folded=False).view, 10.0).routing is None


@pytest.mark.parametrize(
    ("changes", "is_news"),
    [
        ({"version": 8}, False),
        ({"mirrored": False}, False),
        ({"percent": 10.0}, True),
        ({"cohorts": frozenset({"staff"})}, True),
        ({"salt": "y"}, True),
        ({"target": "other"}, True),
    ],
)
def test_only_what_changes_somebodys_answer_is_news(changes, is_news):
    before = look(Control().view, 10.0)
    after = look(Control(routing=replace(ROUTING, **changes)).view, 10.0)
    assert news(before, after) == ([News.ANSWERS] if is_news else [])


def test_a_standing_is_news_when_it_changes_and_growing_older_is_not():
    stale = Seen(Standing.STALE, age=11.0)
    assert news(Seen(Standing.CURRENT), stale) == [News.STANDING]
    assert news(stale, replace(stale, age=12.0)) == []
    assert news(stale, Seen(Standing.CURRENT)) == [News.STANDING]


def test_answers_that_come_to_be_known_are_no_change():
    assert news(Seen(Standing.UNKNOWN), Seen(Standing.CURRENT, ROUTING)) == [News.STANDING]
    assert news(Seen(Standing.CURRENT), Seen(Standing.CURRENT, ROUTING)) == [News.ANSWERS]


class Told(list[tuple[News, Standing]]):
    def __call__(self, each: News, seen: Seen) -> None:
        self.append((each, seen.standing))


def watch(control: Control, told: Told, every_seconds: float = 60.0) -> Watch:
    return Watch(control.view, told, stale_after_seconds=10.0, every_seconds=every_seconds)


def test_a_folded_record_is_looked_at_at_once():
    control, told = Control(), Told()
    watching = watch(control, told)
    assert watching.begin(5.0).standing is Standing.CURRENT
    control.fold(percent=10.0)
    reached(lambda: told == [(News.ANSWERS, Standing.CURRENT)], "it is told")
    watching.stop()
    assert control.listeners == []
    assert threads() == set()


def test_age_is_looked_at_now_and_then():
    control, told = Control(), Told()
    watching = watch(control, told, every_seconds=0.005)
    watching.begin(5.0)
    control.age = 11.0
    reached(lambda: told == [(News.STANDING, Standing.STALE)], "it is stale")
    control.age = 0.1
    reached(lambda: len(told) == 2, "it is current")
    control.problem = "gone"
    reached(lambda: len(told) == 3, "it is lost")
    watching.stop()
    assert [standing for _, standing in told] == [Standing.STALE, Standing.CURRENT, Standing.LOST]


def test_beginning_waits_for_the_first_fold():
    control, told = Control(folded=False), Told()
    watching = watch(control, told)
    timer = threading.Timer(0.05, lambda: setattr(control, "folded", True))
    timer.start()
    assert watching.begin(10.0).standing is Standing.CURRENT
    watching.stop()
    timer.join()
    assert told == []


def test_a_first_fold_that_comes_too_late_is_told():
    control, told = Control(folded=False), Told()
    watching = watch(control, told, every_seconds=0.005)
    assert watching.begin(0.0).standing is Standing.UNKNOWN
    control.folded = True
    reached(lambda: told == [(News.STANDING, Standing.CURRENT)], "it is told")
    watching.stop()


@pytest.mark.parametrize("control", [Control(age=11.0), Control(problem="gone")])
def test_what_is_not_current_from_the_beginning_is_told_after_it(control):
    told = Told()
    watching = watch(control, told, every_seconds=0.005)
    standing = watching.begin(5.0).standing
    reached(lambda: told == [(News.STANDING, standing)], "it is told")
    watching.stop()


def test_a_watch_that_is_stopped_while_it_begins_never_runs():
    control = Control(folded=False)
    watching = watch(control, Told())
    timer = threading.Timer(0.05, watching.stop)
    timer.start()
    assert watching.begin(30.0).standing is Standing.UNKNOWN
    timer.join()
    assert threads() == set()
