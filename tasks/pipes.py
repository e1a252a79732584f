"""Which children take a message now: Celery gives each the next when it has ended one, and the way
there and back through the main process takes as long as a quick job.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from celery.concurrency.asynpool import _get_job_writer
from celery.worker import state

_pipes: Pipes | None = None


class Pipes:
    """The children that take no more, where Celery's pool has the set of those that work.

    A child of a quick worker takes a second message while it works, which waits in its pipe; but
    only once every child has one, for nobody else can do what waits there. Children are known by
    the pipe that leads to them, as in Celery's set.
    """

    def __init__(self, pool: Any, is_quick: Callable[[], bool]) -> None:
        """`pool` is Celery's AsynPool, or whatever says how many children it should have."""
        self._pool = pool
        self._is_quick = is_quick
        self._given: dict[int, int] = {}  # how many messages each has

    @property
    def waiting(self) -> int:
        """How many messages wait behind a job that turned out long."""
        return 0 if self._is_quick() else sum(self._given.values()) - len(self._given)

    def add(self, pipe: int) -> None:
        """Note that a message goes to a child."""
        self._given[pipe] = self._given.get(pipe, 0) + 1

    def end(self, pipe: int) -> None:
        """Note that a child has ended one."""
        left = self._given.pop(pipe, 0) - 1
        if left > 0:
            self._given[pipe] = left

    def discard(self, pipe: int) -> None:
        """Forget a child that is gone; the pool gives what it had to another."""
        self._given.pop(pipe, None)

    def intersection_update(self, working: Collection[int]) -> None:
        """Keep those that work, as after a new connection to the broker."""
        self._given = {pipe: given for pipe, given in self._given.items() if pipe in working}

    def __contains__(self, pipe: int) -> bool:
        """Whether this child takes no more."""
        given = self._given.get(pipe, 0)
        if given == 1:
            return len(self._given) < self._pool._processes or not self._is_quick()
        return given > 1

    def __len__(self) -> int:
        """How many take no more."""
        return sum(pipe in self for pipe in self._given)


def take_over(task_pool: Any, is_quick: Callable[[], bool]) -> None:
    """Say from now on which children of Celery's pool take a message.

    Args:
        task_pool: the pool as Celery's worker has it, around the one that has the children.
        is_quick: whether the worker's jobs take milliseconds just now.

    Raises:
        RuntimeError: it looks at its own set already, or this Celery keeps it otherwise.
    """
    global _pipes  # noqa: PLW0603 - one worker a process
    pool = task_pool._pool
    marks = getattr(pool, "_mark_worker_as_available", None)
    if pool._registered_with_event_loop or marks != pool._busy_workers.discard:
        raise RuntimeError("this Celery gives messages to its children in another way")
    pool._busy_workers = _pipes = Pipes(pool, is_quick)
    pool._mark_worker_as_available = _pipes.end
    task_pool.flush = partial(_flush, pool, task_pool.flush)


def _flush(pool: Any, flush: Callable[[], None]) -> None:
    """Let Celery forget what it has not given out, when the connection to the broker is lost.

    What lies whole in a child's pipe it would forget too, though the child will do it: with nobody
    to end it when its time is over.
    """
    given = [
        job
        for job in tuple(pool._cache.values())
        if not job._accepted
        and job._write_to is not None
        and job._write_to._is_alive()
        and _get_job_writer(job) not in pool._active_writers
    ]
    for job in given:
        job._accepted = True
    try:
        flush()
    finally:
        for job in given:
            job._accepted = False


def places_taken(queue: str | None = None) -> int:
    """Return how many messages, of one queue or of all, have a child of this worker or get one.

    What waits behind a job that turned out long has none: it is hinted at again for whoever is
    free, and that may be another child here.
    """
    working, coming = 0, 0
    for request in state.reserved_requests:
        if queue is None or request.delivery_info["routing_key"] == queue:
            if request in state.active_requests:
                working += 1
            else:
                coming += 1
    return working + max(0, coming - (_pipes.waiting if _pipes else 0))
