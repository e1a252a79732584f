"""The sign of life of one attempt: lease, progress and the wish to cancel, once a second."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from models import Claim, Database, Progress
from models.errors import StaleFenceError
from tasks.wake import wake_on_commit

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
JOIN_SECONDS = 5.0
# The lease is renewed this many times within its length, so that one lost beat costs nothing.
RENEWALS_PER_LEASE = 3


class Heartbeat:
    """A thread that ticks while a kind works. Its flags are read by the working thread.

    Attributes:
        cancel_requested: the person asked for the job to stop.
        lost: another attempt has the job, or the lease lapsed while Postgres was away.
    """

    def __init__(self, database: Database, claim: Claim, *, lease_seconds: float) -> None:
        """Prepare the thread; entering the context starts it."""
        self.cancel_requested = False
        self.lost = False
        self._database = database
        self._claim = claim
        self._lease_seconds = lease_seconds
        self._renewed_at = time.monotonic()
        self._pending: Progress | None = None
        self._written: Progress | None = None
        self._lock = threading.Lock()
        self._nudge = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Start ticking."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop ticking; after this the thread writes nothing any more."""
        self._stopping = True
        self._nudge.set()
        # A frozen Postgres may hold the thread for longer; the fence refuses what it would write.
        self._thread.join(JOIN_SECONDS)

    def report(self, progress: Progress) -> None:
        """Hand in the newest progress; a new stage is written at once, the rest each second."""
        with self._lock:
            is_new_stage = self._written is None or progress.stage != self._written.stage
            self._pending = progress
        if is_new_stage:
            self._nudge.set()

    def _run(self) -> None:
        while True:
            self._nudge.wait(min(TICK_SECONDS, self._lease_seconds / RENEWALS_PER_LEASE))
            self._nudge.clear()
            if self._stopping or self.lost:
                return
            try:
                self._tick()
            except StaleFenceError:
                self.lost = True
            except SQLAlchemyError as error:
                log.warning("heartbeat failed, trying again: %s", type(error).__name__)
                if time.monotonic() - self._renewed_at > self._lease_seconds:
                    self.lost = True

    def _tick(self) -> None:
        with self._lock:
            progress, self._pending = self._pending, None
        now = time.monotonic()
        is_due = now - self._renewed_at >= self._lease_seconds / RENEWALS_PER_LEASE
        try:
            with self._database.worker() as session:
                if progress is None and not is_due:
                    self.cancel_requested = self._claim.check(session)
                    return
                self.cancel_requested = self._claim.heartbeat(
                    session, lease_seconds=self._lease_seconds, progress=progress
                )
                if progress is not None:
                    wake_on_commit(session, self._claim.job_id)
        except SQLAlchemyError:
            with self._lock:
                self._pending = self._pending or progress
            raise
        self._renewed_at = now
        self._written = progress or self._written
