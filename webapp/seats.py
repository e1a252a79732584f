"""Seats, first come, first served: with a semaphore, whoever comes now overtakes who has waited."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class Seats:
    """So many at once.

    Attributes:
        moved_at: the clock when one was given back last, or somebody went on without.
    """

    def __init__(self, count: int) -> None:
        """All are free."""
        self.moved_at = time.monotonic()
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[threading.Event] = deque()

    def take(self, look_seconds: float, is_worth_it: Callable[[], bool]) -> bool:
        """Wait for a seat as long as that is worth it, which is asked now and then."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            given = threading.Event()
            self._waiting.append(given)
        try:
            while not given.wait(look_seconds):
                if not is_worth_it():
                    return not self._leave(given)
        except BaseException:
            if not self._leave(given):
                self.give_back()
            raise
        return True

    def give_back(self) -> None:
        """Give a seat to who has waited for longest."""
        with self._lock:
            self.moved_at = time.monotonic()
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _leave(self, given: threading.Event) -> bool:
        """Wait no more; False when the seat has come meanwhile."""
        with self._lock:
            if given.is_set():
                return False
            self._waiting.remove(given)
            self.moved_at = time.monotonic()
            return True
