"""A thread that publishes for its process: best effort, after the commit, never in the way."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from functools import cache
from queue import Full, Queue

log = logging.getLogger(__name__)

# Past this many unsent hints Redis has been away for long; the sweeps will catch up.
_MAX_WAITING = 10_000


def publish_later(action: Callable[[], None]) -> None:
    """Run `action` on this process's publishing thread; failures are logged and forgotten."""
    _publisher(os.getpid()).put(action)


def flush() -> None:
    """Give what is waiting a moment before the process ends without its exit handlers."""
    _publisher(os.getpid()).flush()


class _Publisher:
    def __init__(self) -> None:
        self._waiting: Queue[Callable[[], None]] = Queue(_MAX_WAITING)
        threading.Thread(target=self._run, name="publisher", daemon=True).start()
        atexit.register(self.flush)

    def put(self, action: Callable[[], None]) -> None:
        try:
            self._waiting.put_nowait(action)
        except Full:
            log.warning("hint dropped, too many are waiting; the sweep will send it")

    def flush(self, seconds: float = 2) -> None:
        """Give what is waiting a moment before the process ends."""
        done = threading.Event()
        self.put(done.set)
        done.wait(seconds)

    def _run(self) -> None:
        while True:
            action = self._waiting.get()
            try:
                action()
            except Exception as error:  # noqa: BLE001 - whatever the broker says, the row stands
                log.warning("hint not published, the sweep will send it: %s", type(error).__name__)


@cache
def _publisher(_pid: int) -> _Publisher:
    return _Publisher()
