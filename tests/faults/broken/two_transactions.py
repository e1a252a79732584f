"""The end of a job in one transaction and the row of its text in the next, ten seconds later.

The second stands for whatever comes between two transactions: a slow network, a pause, a death.
"""

import time
from typing import Any
from uuid import UUID

from sqlalchemy import text

from faults.broken.statements import take_out
from models import Claim, Ended, JobStatus, after_commit
from tasks import runtime

BETWEEN_SECONDS = 10.0

take_out("finish_job", "where notify = 'sms' and status <> 'cancelled'", "where false")

_end = Claim._end


def _end_and_then_text(self: Claim, session: Any, status: JobStatus, **values: Any) -> Ended:
    ended = _end(self, session, status, **values)
    if status != JobStatus.CANCELLED:
        after_commit(session, lambda: _leave_text(self.job_id))
    return ended


def _leave_text(job_id: UUID) -> None:
    time.sleep(BETWEEN_SECONDS)
    with runtime.database().worker() as session:
        session.execute(
            text(
                "insert into notifications (id, job_id, owner_id, purpose)"
                " select gen_random_uuid(), id, owner_id, 'job_ended' from jobs"
                " where id = :id and notify = 'sms' on conflict (job_id, purpose) do nothing"
            ),
            {"id": job_id},
        )


Claim._end = _end_and_then_text  # type: ignore[method-assign]
