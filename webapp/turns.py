"""Turns, first come, first served: whoever has waited for long is not overtaken by who comes now,
as with a semaphore.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Turns:
    """So many at once."""

    def __init__(self, count: int) -> None:
        """All are free."""
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[threading.Event] = deque()

    def take(self, look_seconds: float, is_worth_it: Callable[[], bool]) -> bool:
        """Wait for a turn as long as that is worth it, which is asked now and then."""
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
        """Give a turn to who has waited for longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _leave(self, given: threading.Event) -> bool:
        """Wait no more; False when the turn has come meanwhile."""
        with self._lock:
            if given.is_set():
                return False
            self._waiting.remove(given)
            return True
