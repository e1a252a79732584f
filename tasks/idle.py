"""A worker with nothing to do lets go of its connections: each idle one costs Postgres 4 MB."""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from typing import Any

from celery import signals

from tasks import runtime

# Opening one again takes 6 ms, so busy workers keep theirs.
IDLE_SECONDS = 2.0


@signals.task_prerun.connect
def _stay_connected(**_: Any) -> None:
    _watch(os.getpid()).idle_since = None


@signals.task_postrun.connect
def _let_go_soon(**_: Any) -> None:
    watch = _watch(os.getpid())
    watch.idle_since = time.monotonic()
    watch.ended.set()


class _Watch:
    """One thread a process, asleep while there is nothing to let go of."""

    def __init__(self) -> None:
        self.idle_since: float | None = None
        self.ended = threading.Event()
        threading.Thread(target=self._run, name="idle", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.ended.wait()
            self.ended.clear()
            while (since := self.idle_since) is not None:
                left = since + IDLE_SECONDS - time.monotonic()
                if left <= 0:
                    runtime.database().dispose()
                    break
                time.sleep(left)


@cache
def _watch(_pid: int) -> _Watch:
    return _Watch()
