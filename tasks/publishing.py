"""A thread that publishes for its process: best effort, after the commit, never in the way."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable
from functools import cache
from typing import Any

log = logging.getLogger(__name__)

# Past this many unsent hints Redis has been away for long; the sweeps will catch up.
_MAX_WAITING = 10_000
# What may be gathered is sent at once if nothing was for this long, and else together after it.
# Meanwhile nobody wakes the thread: that would cost a short job a tenth.
GATHER_SECONDS = 0.025

Send = Callable[[Collection[Any]], None]


def publish_later(action: Callable[[], None]) -> None:
    """Run `action` on this process's publishing thread; failures are logged and forgotten."""
    _publisher(os.getpid()).put(action)


def publish_together(send: Send, item: Hashable) -> None:
    """Run `send` there with what was gathered for it; the same item twice is one."""
    _publisher(os.getpid()).gather(send, item)


def flush() -> None:
    """Give what is waiting a moment before the process ends without its exit handlers."""
    _publisher(os.getpid()).flush()


class _Publisher:
    def __init__(self) -> None:
        self._actions: deque[Callable[[], None]] = deque()
        self._gathered: dict[tuple[Send, Hashable], None] = {}
        self._is_gathering = False
        self._lock = threading.Lock()
        self._called = threading.Event()
        threading.Thread(target=self._run, name="publisher", daemon=True).start()
        atexit.register(self.flush)

    def put(self, action: Callable[[], None]) -> None:
        if len(self._actions) >= _MAX_WAITING:
            log.warning("hint dropped, too many are waiting; the sweep will send it")
            return
        self._actions.append(action)
        self._called.set()

    def gather(self, send: Send, item: Hashable) -> None:
        with self._lock:
            if len(self._gathered) < _MAX_WAITING:
                self._gathered[send, item] = None
            if not self._is_gathering:
                self._called.set()

    def flush(self, seconds: float = 2) -> None:
        """Give what is waiting a moment before the process ends."""
        done = threading.Event()
        self.put(self._send_gathered)
        self.put(done.set)
        done.wait(seconds)

    def _run(self) -> None:
        gather_until = 0.0
        while True:
            left = max(0.0, gather_until - time.monotonic())
            self._called.wait(left if self._is_gathering else None)
            self._called.clear()
            while self._actions:
                self._try(self._actions.popleft())
            if time.monotonic() < gather_until:
                continue  # called for an action
            with self._lock:
                self._is_gathering = bool(self._gathered)
            if self._is_gathering:
                self._send_gathered()
                gather_until = time.monotonic() + GATHER_SECONDS

    def _send_gathered(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        together: dict[Send, list[Hashable]] = {}
        for send, item in gathered:
            together.setdefault(send, []).append(item)
        for send, items in together.items():
            self._try(lambda send=send, items=items: send(items))  # type: ignore[misc]

    @staticmethod
    def _try(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever the broker says, the row stands
            log.warning("hint not published, the sweep will send it: %s", type(error).__name__)


@cache
def _publisher(_pid: int) -> _Publisher:
    return _Publisher()
