"""The sign of life of one attempt: lease, progress, answer so far and the wish to cancel."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy.exc import SQLAlchemyError

from models import Claim, Database, Progress
from models.errors import StaleFenceError, UnstorableError
from tasks.pulse import pulse, replace_pulse
from tasks.wake import wake_on_commit

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
# A new stage is written after this moment: a job that is done within it writes its end alone.
STAGE_SECONDS = 0.1
PARTIAL_SECONDS = 2.0  # no more often is an answer so far written: it may be large
GRACE_SECONDS = 5.0  # what a kind has to notice that it should end
JOIN_SECONDS = 5.0
# The lease is renewed this many times within its length, so that one lost beat costs nothing.
RENEWALS_PER_LEASE = 3


@dataclass(frozen=True, slots=True)
class Partial:
    """The answer so far, as JSON, and how many things it holds."""

    result: dict[str, Any]
    count: int | None


class Heartbeat:
    """Ticks on another thread while a kind works. Its flags are read by the working thread.

    Attributes:
        cancel_requested: the person asked for the job to stop.
        lost: another attempt has the job, or the lease lapsed while Postgres was away.
    """

    def __init__(
        self,
        database: Database,
        claim: Claim,
        *,
        lease_seconds: float,
        abandon: Callable[[], None] | None = None,
    ) -> None:
        """Prepare; entering the context starts it.

        Args:
            database: has a connection of its own for it.
            claim: the attempt.
            lease_seconds: for how long a sign of life counts.
            abandon: ends this process, because the kind did not end when it should have.
        """
        self.cancel_requested = False
        self.lost = False
        self._database = database
        self._claim = claim
        self._lease_seconds = lease_seconds
        self._abandon = abandon
        self._renewed_at = time.monotonic()
        self._stop_seen_at: float | None = None
        self._pending: Progress | None = None
        self._written: Progress | None = None
        self._partial: Partial | None = None
        self._partial_written: Partial | None = None
        self._partial_at = -PARTIAL_SECONDS
        self._lock = threading.Lock()
        self._beating = threading.Lock()
        self._ended = False
        self._ending = threading.Lock()
        self._interval = min(TICK_SECONDS, lease_seconds / RENEWALS_PER_LEASE)
        self._next_at = math.inf
        self._new_stage_at = math.inf

    def __enter__(self) -> Self:
        """Start ticking."""
        self._next_at = time.monotonic() + self._interval
        self._pulse = pulse()
        self._pulse.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop ticking; after this the thread writes nothing any more."""
        with self._ending:  # never given back once this process is being abandoned
            self._ended = True
        self._pulse.remove(self)
        # A frozen Postgres may hold the thread for longer; the fence refuses what it would write.
        if self._beating.acquire(timeout=JOIN_SECONDS):
            self._beating.release()
        else:
            replace_pulse()

    @property
    def unwritten_progress(self) -> Progress | None:
        """The newest progress, unless it is in the row already."""
        return self._pending

    @property
    def unwritten_partial(self) -> Partial | None:
        """The answer so far, unless it is in the row already."""
        partial = self._partial
        return None if partial is self._partial_written else partial

    def report(self, progress: Progress) -> None:
        """Hand in the newest progress; a new stage is written at once, the rest each second."""
        with self._lock:
            is_new_stage = self._written is None or progress.stage != self._written.stage
            self._pending = progress
        if is_new_stage and self._new_stage_at == math.inf:
            self._new_stage_at = time.monotonic()

    def keep(self, partial: Partial) -> None:
        """Hand in the newest answer so far; it is written every other second."""
        self._partial = partial

    def look(self) -> None:
        """Tick if it is time; called by the thread that all attempts of this process share."""
        now = time.monotonic()
        if now < self._next_at and now < self._new_stage_at + STAGE_SECONDS:
            return
        with self._beating:
            if self._ended:
                return
            self._new_stage_at = math.inf
            if not self.lost:
                self._beat()
            if self.lost or self.cancel_requested:
                self._end_if_stuck()
            self._next_at = time.monotonic() + self._interval

    def _beat(self) -> None:
        try:
            self._tick()
        except StaleFenceError:
            self.lost = True
        except (SQLAlchemyError, MemoryError) as error:
            log.warning("heartbeat failed, trying again: %s", type(error).__name__)
            if time.monotonic() - self._renewed_at > self._lease_seconds:
                self.lost = True

    def _tick(self) -> None:
        with self._lock:
            progress, self._pending = self._pending, None
        now = time.monotonic()
        is_due = now - self._renewed_at >= self._lease_seconds / RENEWALS_PER_LEASE
        partial = self.unwritten_partial if now - self._partial_at >= PARTIAL_SECONDS else None
        try:
            with self._database.worker_step() as step:
                if progress is None and not is_due:
                    self.cancel_requested = self._claim.check(step)
                else:
                    self.cancel_requested = self._claim.heartbeat(
                        step, lease_seconds=self._lease_seconds, progress=progress
                    )
                if progress is not None:
                    wake_on_commit(step, self._claim.job_id)
        except BaseException:
            with self._lock:
                self._pending = self._pending or progress
            raise
        if progress is not None or is_due:
            self._renewed_at = now
        self._written = progress or self._written
        if partial is not None:
            self._save(partial)
            self._partial_written, self._partial_at = partial, now

    def _save(self, partial: Partial) -> None:
        """Write the answer so far, apart: while it is sent, nothing is locked."""
        with self._database.worker_step() as step:
            try:
                self._claim.save_partial(step, partial.result, result_count=partial.count)
            except UnstorableError as error:
                log.warning("answer so far not storable job_id=%s: %s", self._claim.job_id, error)
                return
            wake_on_commit(step, self._claim.job_id)

    def _end_if_stuck(self) -> None:
        """Take the process away from a kind that does not end when it should."""
        now = time.monotonic()
        if self._stop_seen_at is None:
            self._stop_seen_at = now
        if self._abandon is None or now - self._stop_seen_at < GRACE_SECONDS:
            return
        with self._ending:
            if not self._ended:
                self._abandon()
