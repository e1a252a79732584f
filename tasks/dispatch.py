"""Hints for workers and wake-ups for pages: after the commit, best effort, never in the way.

The row is the truth. A hint that is lost is replaced by the sweep, so publishing happens on a
thread of its own: a stalled Redis delays no request and no job.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from functools import cache
from queue import Full, Queue
from uuid import UUID

from sqlalchemy.orm import Session

from models import Job, after_commit
from tasks import runtime
from tasks.registry import UnknownKindError, find_kind

log = logging.getLogger(__name__)

# Past this many unsent hints Redis has been away for long; the sweeps will catch up.
_MAX_WAITING = 10_000
_KILL_AFTER_SECONDS = 15


def dispatch_on_commit(session: Session, job: Job) -> None:
    """Tell a worker about the job once it is durable. Row first, message after."""
    job_id, kind, queue = job.id, job.kind, job.queue
    after_commit(session, lambda: publish_later(lambda: send_job_hint(job_id, kind, queue)))


def wake_on_commit(session: Session, job_id: UUID) -> None:
    """Tell open pages that the job has changed, once the change is durable."""
    after_commit(session, lambda: publish_later(lambda: send_wake_up(job_id)))


def notify_on_commit(session: Session, notification_id: UUID) -> None:
    """Tell a sender about a text once its row is durable."""
    after_commit(session, lambda: publish_later(lambda: send_notification_hint(notification_id)))


def send_job_hint(job_id: UUID, kind: str, queue: str) -> None:
    """Publish "this job may be claimed"; Flower shows it as job.<kind>."""
    from tasks.jobs import run_job

    try:
        limit = find_kind(kind).time_limit_seconds
    except UnknownKindError:
        limit = _KILL_AFTER_SECONDS  # the worker will fail it with a sentence
    run_job.apply_async(
        args=[str(job_id)],
        queue=queue,
        shadow=f"job.{kind}",
        soft_time_limit=limit,
        time_limit=limit + _KILL_AFTER_SECONDS,
        retry=False,
    )


def send_notification_hint(notification_id: UUID) -> None:
    """Publish "this text may be sent"."""
    from tasks.notifications import deliver_text

    deliver_text.apply_async(args=[str(notification_id)], retry=False)


def send_wake_up(job_id: UUID) -> None:
    """Publish "look at this row" to every web process."""
    runtime.redis_client().publish(runtime.WAKE_CHANNEL, str(job_id))


def publish_later(action: Callable[[], None]) -> None:
    """Run `action` on this process's publishing thread; failures are logged and forgotten."""
    _publisher(os.getpid()).put(action)


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


def flush_hints() -> None:
    """Wait a moment until this process's hints are out; for commands that end at once."""
    _publisher(os.getpid()).flush()
