"""A small process beside each worker's main one: it sweeps, and sees to it that the worker works.

Beat sends the same sweeps. With one of these at every worker nothing waits for beat; and what a
main process must not wait for, such as Postgres, is waited for here.
"""

from __future__ import annotations

import ctypes
import json
import logging
import mmap
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self
from uuid import UUID

import redis
from celery import platforms

from celeryconfig import EXPIRY_SECONDS, INTERACTIVE, SCHEDULED, SWEEP_SECONDS
from models import Turn, record_operator_event
from models.queries import query
from tasks import runtime, sweeps
from tasks.app import celery_app
from tasks.dispatch import hint_on_commit
from tasks.lost import give_up_attempt
from tasks.shutdown import hand_back_jobs

log = logging.getLogger(__name__)

JOB_QUEUES = (INTERACTIVE, SCHEDULED)
DEAF_SECONDS = 60.0  # a free worker that hears nothing for so long, while jobs wait, is deaf
EVERY_TIME = (
    sweeps.rescue_stalled_jobs,
    sweeps.enqueue_due_searches,
    sweeps.dispatch_waiting_jobs,
    sweeps.send_due_notifications,
)
STOP_SECONDS = 20.0  # what a deaf worker has after it was told to end; then it is killed

PRUNE_RUN_SECONDS = 2.0  # orders wait for so long at the most
MOST_ORDERS = 1000  # that are kept while Postgres is away

_PR_SET_NAME = 15  # <linux/prctl.h>
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class LostChild:
    """A child that was killed in the middle of a job.

    Attributes:
        job_id: what it worked on.
        worker: how it named itself in the row.
        is_slow: whether it was killed because it took longer than it may.
    """

    job_id: UUID
    worker: str
    is_slow: bool

    def to_line(self) -> bytes:
        """Return what goes over the pipe, in one piece."""
        return json.dumps([str(self.job_id), self.worker, self.is_slow]).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Make one of what came over the pipe."""
        job_id, worker, is_slow = json.loads(line)
        return cls(UUID(job_id), worker, is_slow)


@dataclass(frozen=True, slots=True)
class HeldHint:
    """A message that this worker holds while its children are busy."""

    job_id: UUID

    def to_line(self) -> bytes:
        """Return what goes over the pipe, in one piece."""
        return json.dumps([str(self.job_id)]).encode() + b"\n"


class Silence:
    """Since when a free worker has been hearing nothing from a queue: memory of two processes.

    Only the main process starts it anew; one that hangs does not, and so it looks deaf as well.
    """

    def __init__(self) -> None:
        """Begin now."""
        self._since = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")
        self.end()

    def end(self, *queues: str) -> None:
        """Note that a message came, or that none may come now; from all queues if none is named."""
        for queue in queues or JOB_QUEUES:
            self._since[JOB_QUEUES.index(queue)] = time.monotonic()

    def seconds(self, queue: str) -> float:
        """Return how long it has been."""
        return time.monotonic() - self._since[JOB_QUEUES.index(queue)]


class Sweeper:
    """What runs in that process until the worker ends."""

    def __init__(self, *, orders: int, main: int, worker: str, silence: Silence) -> None:
        """Prepare in the main process.

        Args:
            orders: the end of a pipe that lost children are told on.
            main: the worker's main process.
            worker: what that is called in the rows.
            silence: what that hears.
        """
        self._orders = orders
        self._main = main
        self._worker = worker
        self._silence = silence
        self._redis_away_at = time.monotonic()

    def run(self) -> None:
        """Sweep every few seconds, apart from the others, and take orders in between."""
        _settle(keep=self._orders)
        log.info("sweeping for %s", self._worker)
        unfinished = b""
        orders: list[Callable[[], None]] = []
        prune_at = time.monotonic() + EXPIRY_SECONDS * random.random()  # noqa: S311 - spreads load
        sweep_at = time.monotonic() + SWEEP_SECONDS * random.random()  # noqa: S311
        while os.getppid() == self._main:
            wait = max(0.0, sweep_at - time.monotonic())
            if select.select([self._orders], [], [], wait)[0]:
                *lines, unfinished = (unfinished + os.read(self._orders, 65_536)).split(b"\n")
                orders += [partial(_obey, line) for line in lines]
                orders = [order for order in orders if not self._guard(order)]
            if time.monotonic() < sweep_at:
                continue
            # Again those that failed: Postgres was away, and another attempt they do not touch.
            orders = [order for order in orders[-MOST_ORDERS:] if not self._guard(order)]
            for sweep in EVERY_TIME:
                self._guard(partial(sweep, alone=True))
            if time.monotonic() >= prune_at:
                self._guard(partial(sweeps.prune_expired, alone=True, seconds=PRUNE_RUN_SECONDS))
                prune_at = time.monotonic() + EXPIRY_SECONDS
            self._guard(self._end_deaf_worker)
            # Opening one again takes milliseconds; held, it is memory of Postgres for each worker.
            runtime.database().dispose()
            sweep_at = time.monotonic() + SWEEP_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311

    def _guard(self, action: Callable[[], object]) -> bool:
        """Go on whatever happens: Postgres and Redis come back, and a sweep is done again.

        Returns:
            Whether it was done.
        """
        try:
            action()
        except Exception as error:  # noqa: BLE001
            log.warning("sweep failed, trying again: %s", type(error).__name__)
            return False
        return True

    def _end_deaf_worker(self) -> None:
        """End a worker that no message reaches, so that its supervisor starts it anew."""
        for queue in JOB_QUEUES:
            silence = self._deaf_seconds(queue)
            if silence > DEAF_SECONDS and _has_waited(queue):
                break
        else:
            return
        log.error("worker is deaf worker=%s queue=%s seconds=%.0f", self._worker, queue, silence)
        self._guard(partial(_record_deaf, self._worker, queue, silence))
        os.kill(self._main, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if os.getppid() != self._main:
                return
            time.sleep(0.2)
        hand_back_jobs(self._worker)
        os.kill(self._main, signal.SIGKILL)  # its children end with it

    def _deaf_seconds(self, queue: str) -> float:
        """Return for how long messages may have been waiting for this worker.

        While Redis is away nobody gets any, and a worker needs a moment to find it again.
        """
        try:
            messages = sweeps.count_messages(queue)
        except redis.RedisError:
            self._redis_away_at = time.monotonic()
            raise
        if not messages:
            return 0.0
        return min(self._silence.seconds(queue), time.monotonic() - self._redis_away_at)


def _obey(line: bytes) -> None:
    """Do what the main process asked for: hint elsewhere, or end the attempt of a dead child."""
    order = json.loads(line)
    if len(order) == 1:
        _hint_elsewhere(UUID(order[0]))
        return
    lost = LostChild.from_line(line)
    with runtime.database().worker() as session:
        ended = give_up_attempt(session, lost.job_id, worker=lost.worker, is_slow=lost.is_slow)
    if ended is not None:
        log.warning(
            "gave up the attempt of a lost child job_id=%s now=%s", lost.job_id, ended.status
        )


def _hint_elsewhere(job_id: UUID) -> None:
    with runtime.database().worker() as session:
        row = session.execute(query("hint_one"), {"id": job_id}).one_or_none()
        hint_on_commit(session, None if row is None else Turn.of(row))


def _has_waited(queue: str) -> bool:
    """Whether a job in line has been waiting for as long as a deaf worker is silent."""
    with runtime.database().operator() as session:
        waited = session.scalar(query("has_waited"), {"queue": queue, "seconds": DEAF_SECONDS})
    return bool(waited)


def _record_deaf(worker: str, queue: str, silence: float) -> None:
    with runtime.database().operator() as session:
        record_operator_event(
            session, "worker_deaf", worker, queue=queue, silence_seconds=round(silence)
        )


def _settle(*, keep: int) -> None:
    """Leave behind what belongs to the main process: signals, open files, connections."""
    platforms.set_pdeathsig("SIGKILL")
    if _libc is not None:
        _libc.prctl(_PR_SET_NAME, b"sweeper")
    platforms.signals.reset("SIGTERM", "SIGHUP", "SIGUSR1")
    platforms.signals.ignore("SIGINT", "SIGQUIT")  # of a terminal; our end is the main process's
    platforms.close_open_fds([0, 1, 2, keep])
    celery_app.set_default()
    celery_app.set_current()
