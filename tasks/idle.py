"""A worker with nothing to do lets go of its connections: each idle one costs Postgres 4 MB."""

from __future__ import annotations

import threading
from typing import Any

from celery import signals

from tasks import runtime

# Opening one again takes 6 ms, so busy workers keep theirs.
IDLE_SECONDS = 2.0

_timer: threading.Timer | None = None


@signals.task_prerun.connect
def _stay_connected(**_: Any) -> None:
    if _timer is not None:
        _timer.cancel()


@signals.task_postrun.connect
def _let_go_soon(**_: Any) -> None:
    global _timer  # noqa: PLW0603 - one a process
    _timer = threading.Timer(IDLE_SECONDS, runtime.database().dispose)
    _timer.daemon = True
    _timer.start()
