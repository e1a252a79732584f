"""What a worker's main process does when a child of its dies in the middle of a job."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

from billiard.einfo import ExceptionWithTraceback
from celery.exceptions import WorkerLostError
from celery.worker.request import Request

from tasks import node
from tasks.shutdown import worker_name
from tasks.sweeper import LostChild


class JobRequest(Request):
    """Celery's record of one message, as the main process keeps it while a child works on it.

    The child writes everything about the job itself. Only when it cannot any more, because it
    was killed, does this side see to it that the attempt ends at once and not with its lease.
    """

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """The child is past a time limit; past the hard one it is killed right after this."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._give_up(is_slow=True)

    def on_failure(
        self,
        exc_info: Any,
        send_failed_event: bool = True,
        return_ok: bool = False,
    ) -> None:
        """The task failed, or the child that ran it is gone."""
        super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        # Billiard tells of an exit that the child announced as SystemExit.
        if not return_ok and isinstance(error, WorkerLostError | SystemExit):
            self._give_up(is_slow=False)

    def _give_up(self, *, is_slow: bool) -> None:
        (job_id,) = self.args
        child = worker_name(self.hostname, main=os.getpid(), child=self.worker_pid)
        node.tell_sweeper(LostChild(job_id=UUID(job_id), worker=child, is_slow=is_slow))
