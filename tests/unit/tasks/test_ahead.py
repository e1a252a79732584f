"""Whether a worker's jobs are quick enough to take one message ahead."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state

from models import Settings


class Running:
    """What stands for one message in work."""

    delivery_info: dict[str, str]

    def __init__(self, number: int) -> None:
        self.id = str(number)


@pytest.fixture
def ahead(settings: Settings) -> Any:
    """The module, which reads the environment when it is loaded."""
    return import_module("tasks.ahead")


@pytest.fixture
def clock(ahead: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A clock that a test sets, and no message in work."""
    now = [0.0]
    # The clock of this module alone: other threads of the process look at theirs.
    monkeypatch.setattr(ahead, "time", SimpleNamespace(monotonic=lambda: now[0]))
    state.active_requests.clear()
    monkeypatch.setattr(state, "all_total_count", [0])
    yield now
    state.active_requests.clear()


def _do(pace: Any, clock: list[float], seconds: float, jobs: int = 1) -> bool:
    is_quick = False
    for number in range(jobs):
        running = Running(number)
        _begin(running)
        pace.look()
        clock[0] += seconds
        state.active_requests.discard(running)
        is_quick = pace.look()
    return is_quick


def _begin(running: Running) -> None:
    state.active_requests.add(running)
    state.all_total_count[0] += 1


def test_fifty_quick_jobs_in_a_row_make_a_quick_worker(ahead: Any, clock: list[float]) -> None:
    pace = ahead.Pace()
    assert not _do(pace, clock, 0.01, jobs=49)
    assert _do(pace, clock, 0.01)
    assert not _do(pace, clock, 0.06)  # one long job, and it is none
    assert not _do(pace, clock, 0.01, jobs=49)
    assert _do(pace, clock, 0.01)


def test_a_job_that_turns_out_long_ends_it_before_its_end(ahead: Any, clock: list[float]) -> None:
    pace = ahead.Pace()
    assert _do(pace, clock, 0.01, jobs=50)
    running = Running(1)
    _begin(running)
    assert pace.look()
    clock[0] += 0.05
    assert not pace.look()


@pytest.mark.parametrize(("between", "are_quick"), [(0.01, True), (0.06, False)])
def test_jobs_nobody_saw_are_quick_if_there_was_no_time_for_others(
    ahead: Any, clock: list[float], between: float, are_quick: bool
) -> None:
    """A hundred a second are looked at while a thousand are done; one of them is long."""
    pace = ahead.Pace()
    pace.look()
    for _ in range(5):
        state.all_total_count[0] += 10
        clock[0] += between
        pace.look()
    assert pace.look() == are_quick
    state.all_total_count[0] += 10
    long = Running(1)
    _begin(long)
    clock[0] += 0.01
    pace.look()
    clock[0] += 0.06
    assert not pace.look()


def test_after_a_rest_nothing_is_known(ahead: Any, clock: list[float]) -> None:
    """What comes then may be of another kind."""
    pace = ahead.Pace()
    assert _do(pace, clock, 0.01, jobs=60)
    clock[0] += 4
    assert pace.look()
    clock[0] += 2
    assert not pace.look()


def test_what_is_held_is_told_once(ahead: Any) -> None:
    """However long it is held: else each long job would fill the broker with hints."""
    held = ahead.Held()
    assert held.look({"a"}) == []
    assert held.look({"a", "b"}) == ["a"]
    assert held.look({"a", "b"}) == ["b"]
    assert held.look({"a", "b"}) == []
    assert held.look({"b"}) == []
    assert held.look({"a", "b"}) == []  # it is here anew
    assert held.look({"a", "b"}) == ["a"]


class Entry:
    """A timer of Celery's hub."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Worker:
    """What stands for Celery's consumer, its pool and its broker, with one child."""

    def __init__(self) -> None:
        self.timers: list[Entry] = []
        busy: set[int] = set()
        self.pool = SimpleNamespace(
            _pool=SimpleNamespace(
                _busy_workers=busy,
                _mark_worker_as_available=busy.discard,
                _registered_with_event_loop=False,
                _processes=1,
            ),
            flush=lambda: None,
        )
        self.controller = SimpleNamespace(
            max_concurrency=1, concurrency=1, semaphore=SimpleNamespace(grow=lambda _: None)
        )
        self.hub = SimpleNamespace(call_repeatedly=self._tick)
        self.connect()

    def connect(self) -> None:
        """A channel of a new connection, whose own limit always says no."""
        qos = SimpleNamespace(can_consume=lambda: False)
        self.channel = SimpleNamespace(qos=qos, _in_poll=None)
        self.task_consumer = SimpleNamespace(channel=self.channel)

    def may_consume(self) -> bool:
        return bool(self.channel.qos.can_consume())

    def _tick(self, *_: object) -> Entry:
        self.timers.append(Entry())
        return self.timers[-1]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch, ahead: Any) -> set[Any]:
    """The messages a worker has; none is in work."""
    reserved: set[Any] = set()
    monkeypatch.setattr(state, "reserved_requests", reserved)
    monkeypatch.setattr(ahead.pipes, "_pipes", None)
    return reserved


def test_held_messages_are_looked_after_on_each_connection(
    ahead: Any, clock: list[float], requests: set[Any]
) -> None:
    """Celery ends the timers of a connection with it."""
    worker = Worker()
    step = ahead.Ahead(worker)
    step.start(worker)
    worker.connect()
    step.start(worker)
    assert [timer.is_cancelled for timer in worker.timers] == [True, False]


def test_what_redis_was_asked_for_is_read_even_if_there_is_no_place_any_more(
    ahead: Any, clock: list[float], requests: set[Any]
) -> None:
    """It may have left Redis; read, it is held, and hinted at for whoever is free."""
    worker = Worker()
    ahead.Ahead(worker).start(worker)
    assert worker.may_consume()
    requests.add(Running(1))
    assert not worker.may_consume()
    worker.channel._in_poll = object()
    assert worker.may_consume()


def test_what_waits_behind_a_long_job_takes_no_place(
    ahead: Any, clock: list[float], requests: set[Any]
) -> None:
    worker = Worker()
    ahead.Ahead(worker).start(worker)
    long, behind = Running(1), Running(2)
    long.delivery_info, behind.delivery_info = (
        {"routing_key": queue} for queue in ("interactive", "scheduled")
    )
    requests |= {long, behind}
    state.active_requests.add(long)
    taken = ahead.pipes.places_taken
    assert (taken(), taken("interactive"), taken("scheduled")) == (2, 1, 1)
    for _ in range(2):
        worker.pool._pool._busy_workers.add(7)
    assert (taken(), taken("interactive"), taken("scheduled")) == (1, 1, 0)
