"""The embedded stack as a unit: which parts to start and end, and in which order.

What a part is stands in `streams.stack.parts`, how one is brought up in
`streams.stack.starter`, how a process is handled in `streams.stack.process`.
"""

import signal
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event, Lock

from streams.stack import guard, process, starter
from streams.stack.addresses import endpoints
from streams.stack.errors import Cancelled, StackError
from streams.stack.home import Home
from streams.stack.part import Part, Say
from streams.stack.parts import parts as all_parts
from streams.stack.status import (
    Endpoints,
    PartEvent,
    PartStatus,
    Phase,
    StackStatus,
    Tell,
)

__all__ = ["Stack"]

_POLL_SECONDS = 0.1


def _ignore(event: PartEvent) -> None:
    del event


class Stack:
    """All parts under one folder `home`, which holds state.json, data/, logs/ and etc/.

    The processes outlive this object: another one on the same folder finds them again.

    Args:
        home: the folder; made if it is not there.
        fast_compaction: let Kafka's cleaner look for work all the time (takes effect when
            Kafka is started).
        die_with: a pid; when that process is gone, however it went, the stack goes down.
    """

    def __init__(
        self, home: Path, *, fast_compaction: bool = False, die_with: int | None = None
    ) -> None:
        self._home = Home(home)
        self._parts = all_parts(fast_compaction=fast_compaction)
        self._die_with = die_with

    @property
    def home(self) -> Path:
        """The folder, absolute."""
        return self._home.path

    def up(self, parts: Sequence[str] | None = None, *, on_event: Tell = _ignore) -> Endpoints:
        """Start what does not run of `parts` (of all) and of what they need.

        Parts that do not need each other start at the same time. Returns once all answer.

        Raises: StackError if one can not be started, with its log. What this call started,
            and nothing else, is ended before; also when it is interrupted.
        """
        wanted = self._with_needs(self._parts if parts is None else parts)
        tell = _one_at_a_time(on_event)
        started: list[str] = []
        with self._home.exclusive():
            if self._die_with is not None:
                guard.start(self._home, self._die_with)
            try:
                self._start_all(wanted, started, tell)
            except BaseException:
                self._end_all(started, tell)
                if not any(starter.identity_of(part, self._home) for part in self._parts):
                    guard.dismiss(self._home)
                raise
        return self.endpoints()

    def down(self, *, on_event: Tell = _ignore) -> None:
        """End all parts that are ours, and whatever else came from this stack."""
        if self.home.exists():
            with self._home.exclusive():
                guard.dismiss(self._home)
                self._end_all(self._parts, _one_at_a_time(on_event))
        # What was started by a process that was killed before it could take a note of it.
        process.kill_owned(self._home.owner)

    def status(self) -> StackStatus:
        """Which parts run, and where everything is."""
        return StackStatus(
            home=self.home,
            parts=tuple(self._status(part) for part in self._parts.values()),
            endpoints=self.endpoints(),
        )

    def endpoints(self) -> Endpoints:
        """Where everything is, or will be once started."""
        return endpoints(self._home)

    def log(self, part: str) -> Path:
        """A part's log file, which exists once the part was started."""
        return self._home.log(self._part(part).name)

    def start(self, part: str) -> None:
        """Start one part (not those it needs), at its address, and wait until it answers.

        Raises: StackError; then the part has been ended.
        """
        chosen, started = self._part(part), list[str]()
        with self._home.exclusive():
            try:
                chosen.fetch(_sayer(chosen, "resolving", _ignore), Event())
                self._start_one(chosen, started, _ignore, Event())
            except BaseException:
                self._end_all(started, _ignore)
                raise

    def stop(self, part: str) -> None:
        """Ask one part to end, and make it if it does not in time."""
        chosen = self._part(part)
        with self._home.exclusive():
            starter.end(chosen, self._home)

    def kill(self, part: str) -> None:
        """SIGKILL one part and all its processes, and wait until they are gone."""
        process.kill(self._running(part))

    def freeze(self, part: str) -> None:
        """SIGSTOP one part and all its processes."""
        process.send(process.tree(self._running(part)), signal.SIGSTOP)

    def thaw(self, part: str) -> None:
        """SIGCONT what was frozen."""
        process.send(process.tree(self._running(part)), signal.SIGCONT)

    def _running(self, part: str) -> process.Identity:
        identity = starter.identity_of(self._part(part).name, self._home)
        if identity is None:
            raise StackError(part, "does not run, or not as a process of ours")
        return identity

    def _part(self, name: str) -> Part:
        try:
            return self._parts[name]
        except KeyError:
            raise StackError(
                "stack", f"there is no part {name!r}; there are {', '.join(self._parts)}"
            ) from None

    def _with_needs(self, names: Iterable[str]) -> list[Part]:
        wanted: set[str] = set()
        pending = [self._part(name) for name in names]
        while pending:
            part = pending.pop()
            wanted.add(part.name)
            pending += [self._part(name) for name in part.needs]
        return [part for part in self._parts.values() if part.name in wanted]

    def _status(self, part: Part) -> PartStatus:
        identity = starter.identity_of(part.name, self._home)
        state = self._home.state()
        foreign = identity is None and bool(state.notes.get(f"{part.name}-external"))
        running = identity is not None or (foreign and part.missing(self._home) is None)
        return PartStatus(
            part=part.name,
            state="running" if running else "stopped",
            pid=identity.pid if identity else None,
            port=None if foreign else state.ports.get(part.ports[0]),
            log=self._home.log(part.name),
            detail=self._detail(part),
        )

    def _start_all(self, wanted: Sequence[Part], started: list[str], tell: Tell) -> None:
        cancel = Event()
        ready = {part.name: Event() for part in wanted}

        def start(part: Part) -> None:
            try:
                if starter.identity_of(part.name, self._home) is None:
                    part.fetch(_sayer(part, "resolving", tell), cancel)
                for name in part.needs:
                    while not ready[name].wait(_POLL_SECONDS):
                        if cancel.is_set():
                            return
                self._start_one(part, started, tell, cancel)
                ready[part.name].set()
            except Cancelled:
                return
            except StackError as error:
                tell(PartEvent(part.name, "failed", error.problem))
                raise

        with ThreadPoolExecutor(len(wanted), thread_name_prefix="stack") as pool:
            try:
                _first_failure([pool.submit(start, part) for part in wanted])
            finally:
                cancel.set()

    def _start_one(self, part: Part, started: list[str], tell: Tell, cancel: Event) -> None:
        if starter.identity_of(part.name, self._home) is not None:
            starter.wait_until_ready(part, self._home, cancel)
            tell(PartEvent(part.name, "kept", self._detail(part)))
            return
        tell(PartEvent(part.name, "starting"))
        started.append(part.name)
        starter.bring_up(part, self._home, _sayer(part, "starting", tell), cancel)
        starter.wait_until_ready(part, self._home, cancel)
        tell(PartEvent(part.name, "ready", self._detail(part)))

    def _detail(self, part: Part) -> str:
        return self._home.state().notes.get(f"{part.name}-detail", "")

    def _end_all(self, names: Iterable[str], tell: Tell) -> None:
        """End those that run, each only after those that need it."""
        running = [self._parts[name] for name in names if name in self._home.state().processes]
        while running:
            needed = {name for part in running for name in part.needs}
            free = [part for part in running if part.name not in needed]
            for part in free:
                if starter.identity_of(part.name, self._home):
                    tell(PartEvent(part.name, "stopping"))
            with ThreadPoolExecutor(len(free), thread_name_prefix="stack") as pool:
                list(pool.map(lambda part: starter.end(part, self._home), free))
            running = [part for part in running if part not in free]


def _sayer(part: Part, phase: Phase, tell: Tell) -> Say:
    return lambda message: tell(PartEvent(part.name, phase, message))


def _one_at_a_time(tell: Tell) -> Tell:
    lock = Lock()

    def locked(event: PartEvent) -> None:
        with lock:
            tell(event)

    return locked


def _first_failure(futures: Sequence[Future[None]]) -> None:
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
