"""Which children take a message now: Celery gives each the next when it has ended one, and the way
there and back through the main process takes as long as a quick job.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Set
from typing import Any


class Pipes:
    """The children that take no more, where Celery's pool has the set of those that work.

    A child of a quick worker takes a second message while it works, which waits in its pipe; but
    only once every child has one, for nobody else can do what waits there. Children are known by
    the pipe that leads to them, as in Celery's set.
    """

    def __init__(self, all_pipes: Set[int], is_quick: Callable[[], bool]) -> None:
        """`all_pipes` is the pool's own set, and changes with it."""
        self._all = all_pipes
        self._is_quick = is_quick
        self._given: dict[int, int] = {}  # how many messages each has

    @classmethod
    def of(cls, pool: Any, is_quick: Callable[[], bool]) -> Pipes:
        """Return those of Celery's pool, put in place before it gives out the first message."""
        if not isinstance(pool._busy_workers, cls):
            pool._busy_workers = cls(pool._all_inqueues, is_quick)
            pool._mark_worker_as_available = pool._busy_workers.end
        pipes: Pipes = pool._busy_workers
        return pipes

    @property
    def waiting(self) -> int:
        """How many messages wait behind another."""
        return sum(self._given.values()) - len(self._given)

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
        self._given = {pipe: 1 for pipe in self._given if pipe in working}

    def __contains__(self, pipe: int) -> bool:
        """Whether this child takes no more."""
        given = self._given.get(pipe, 0)
        if given == 1:
            return len(self._given) < len(self._all) or not self._is_quick()
        return given > 1

    def __len__(self) -> int:
        """How many take no more."""
        return sum(pipe in self for pipe in self._given)
