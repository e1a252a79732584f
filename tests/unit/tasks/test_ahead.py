"""Whether a worker's jobs are quick enough to take one message ahead."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from celery.worker import state

from models import Settings


class Running:
    """What stands for one message in work."""

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
    monkeypatch.setattr(ahead.time, "monotonic", lambda: now[0])
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
