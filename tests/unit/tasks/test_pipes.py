"""Which children of a worker take a message now."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from models import Settings


@pytest.fixture
def quick() -> list[bool]:
    """Whether the worker is a quick one, as a test sets it."""
    return [True]


@pytest.fixture
def pipes(settings: Settings, quick: list[bool]) -> Any:
    """Those of two children; the tests' settings are read when the module is loaded."""
    return import_module("tasks.pipes").Pipes(SimpleNamespace(_processes=2), lambda: quick[0])


def free(pipes: Any) -> list[int]:
    return [pipe for pipe in (7, 8) if pipe not in pipes]


def test_each_child_has_one_message_before_any_has_two(pipes: Any, quick: list[bool]) -> None:
    assert (free(pipes), len(pipes)) == ([7, 8], 0)
    pipes.add(7)
    assert (free(pipes), len(pipes)) == ([8], 1)
    pipes.add(8)
    assert (free(pipes), len(pipes), pipes.waiting) == ([7, 8], 0, 0)
    pipes.add(8)
    assert (free(pipes), len(pipes)) == ([7], 1)
    pipes.add(7)
    assert (free(pipes), len(pipes), pipes.waiting) == ([], 2, 0)
    pipes.end(8)
    assert free(pipes) == [8]
    pipes.end(8)
    assert free(pipes) == [8]  # it has none, the other one to do and one that waits
    quick[0] = False
    assert pipes.waiting == 1


def test_a_child_of_a_worker_that_is_not_quick_has_one_message(
    pipes: Any, quick: list[bool]
) -> None:
    quick[0] = False
    for pipe in (7, 8):
        pipes.add(pipe)
    assert (free(pipes), len(pipes)) == ([], 2)
    pipes.end(7)
    assert free(pipes) == [7]


def test_nothing_is_known_of_the_child_after_one_that_died(pipes: Any) -> None:
    """Its pipe may have the number of the one before."""
    for pipe in (7, 8, 7):
        pipes.add(pipe)
    pipes.discard(7)
    assert free(pipes) == [7]
    pipes.end(7)  # its last word may come late
    pipes.discard(7)
    assert free(pipes) == [7]


def test_after_a_new_connection_those_that_work_have_what_they_had(pipes: Any) -> None:
    for pipe in (7, 8, 8):
        pipes.add(pipe)
    pipes.intersection_update({8, 9})
    assert free(pipes) == [7]
    pipes.end(8)
    pipes.add(7)
    assert free(pipes) == [7, 8]


@pytest.mark.parametrize(
    ("registered", "marks"), [(True, "discard"), (False, "add")], ids=["late", "another way"]
)
def test_a_pool_that_gives_messages_in_another_way_is_not_touched(
    pipes: Any, registered: bool, marks: str
) -> None:
    """Celery's own set would be filled and never emptied, or a child given all there is."""
    busy: set[int] = set()
    pool = SimpleNamespace(
        _busy_workers=busy,
        _mark_worker_as_available=getattr(busy, marks),
        _registered_with_event_loop=registered,
    )
    with pytest.raises(RuntimeError, match="another way"):
        import_module("tasks.pipes").take_over(SimpleNamespace(_pool=pool), lambda: True)
    assert pool._busy_workers is busy


def test_what_lies_in_a_pipe_is_not_forgotten_with_the_connection(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its child will do it; forgotten, nobody would end it when its time is over."""
    alive, dead = (SimpleNamespace(_is_alive=lambda it=it: it) for it in (True, False))

    def being_written() -> None:
        """A writer that has not come to its end."""

    def job(**of: Any) -> Any:
        return SimpleNamespace(
            **{"_accepted": False, "_write_to": alive, "_writer": lambda: None} | of
        )

    jobs = {
        "in a pipe": job(),
        "half written": job(_writer=lambda: being_written),
        "of a dead child": job(_write_to=dead),
        "not written": job(_write_to=None),
        "in work": job(_accepted=True),
    }
    busy: set[int] = set()
    pool = SimpleNamespace(
        _cache=dict(jobs),
        _active_writers={being_written},
        _busy_workers=busy,
        _mark_worker_as_available=busy.discard,
        _registered_with_event_loop=False,
    )

    def flush() -> None:
        """As Celery's, which forgets what no child has accepted."""
        pool._cache = {name: job for name, job in pool._cache.items() if job._accepted}

    task_pool = SimpleNamespace(_pool=pool, flush=flush)
    module = import_module("tasks.pipes")
    monkeypatch.setattr(module, "_pipes", None)
    module.take_over(task_pool, lambda: True)
    task_pool.flush()
    assert list(pool._cache) == ["in a pipe", "in work"]
    assert not jobs["in a pipe"]._accepted
