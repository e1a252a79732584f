"""One thread a process that lets attempts give their signs of life.

A thread for each attempt cost a short job more than the job: to start it, and to wait for its end.
This one looks around ten times a second while anything is in work, so that an attempt that begins
or ends need not wake it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from functools import cache
from typing import Protocol

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
REST_SECONDS = 1.0  # with nothing to do for so long, it sleeps until it is called


class Beating(Protocol):
    """What has to give signs of life; at most one call at a time."""

    def look(self) -> None:
        """Give one, if it is time."""


class Pulse:
    """The thread, and whom it looks after."""

    def __init__(self) -> None:
        """Start it."""
        self._hearts: list[Beating] = []
        self.is_asleep = False
        self._lock = threading.Lock()
        self._called = threading.Event()
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def add(self, heart: Beating) -> None:
        """Look after it from now on."""
        with self._lock:
            self._hearts.append(heart)
            if self.is_asleep:
                self._called.set()

    def remove(self, heart: Beating) -> None:
        """Forget it. A look that has begun goes on."""
        with self._lock:
            self._hearts.remove(heart)

    def _run(self) -> None:
        busy_at = time.monotonic()
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                for heart in tuple(self._hearts):
                    busy_at = time.monotonic()
                    heart.look()
                if time.monotonic() - busy_at > REST_SECONDS:
                    self._sleep()
                    busy_at = time.monotonic()
            except Exception:
                # The attempts to come need this thread, whatever one of them met.
                log.exception("a sign of life failed")

    def _sleep(self) -> None:
        with self._lock:
            if self._hearts:
                return
            self.is_asleep = True
            self._called.clear()
        self._called.wait()
        self.is_asleep = False


def pulse() -> Pulse:
    """Return the one of this process; a forked child has its own."""
    return _pulse(os.getpid())


def replace_pulse() -> None:
    """Have another from now on, because this one hangs in a look."""
    _pulse.cache_clear()


@cache
def _pulse(_pid: int) -> Pulse:
    return Pulse()
