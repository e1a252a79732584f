"""Seats, first come, first served: with a semaphore, whoever comes now overtakes who has waited."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class Seats:
    """So many at once; where all stand still, one more.

    Attributes:
        moved_at: the clock when one was given back, or opened, last.
    """

    def __init__(self, count: int) -> None:
        """All are free."""
        self.moved_at = time.monotonic()
        self._lock = threading.Lock()
        self._free = count
        self._more = 0  # that were opened; they go from hand to hand and vanish when nobody waits
        self._waiting: deque[threading.Event] = deque()

    def take(self, look_seconds: float, is_worth_it: Callable[[], bool]) -> None:
        """Wait for a seat as long as that is worth it, which is asked now and then."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            given = threading.Event()
            self._waiting.append(given)
        try:
            while not given.wait(look_seconds):
                if not is_worth_it():
                    self._open_for(given)
                    return
        except BaseException:
            if not self._leave(given):
                self.give_back()
            raise

    def give_back(self) -> None:
        """Give a seat to who has waited for longest."""
        with self._lock:
            self.moved_at = time.monotonic()
            if self._waiting:
                self._waiting.popleft().set()
            elif self._more:
                self._more -= 1
            else:
                self._free += 1

    def _open_for(self, given: threading.Event) -> None:
        """Give one more seat to who waits, unless one has come meanwhile."""
        with self._lock:
            if not given.is_set():
                self._waiting.remove(given)
                self._more += 1
                self.moved_at = time.monotonic()

    def _leave(self, given: threading.Event) -> bool:
        """Wait no more; False when the seat has come meanwhile."""
        with self._lock:
            if given.is_set():
                return False
            self._waiting.remove(given)
            return True
