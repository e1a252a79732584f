"""The wish of a person to stop a job: a column of its row, so no worker and no broker is needed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.claim import Ended
from models.job import Job, JobStatus
from models.queries import query


def request_cancel(session: Session, job_id: UUID) -> Ended | None:
    """Stop a job of the person whose transaction this is.

    Returns:
        None if they have no such job. Else its status: `cancelled` if it has ended so, now or
        before; `running` if it was asked to stop; the other end it already had. `next` is the job
        that takes its slot.
    """
    row = session.execute(query("cancel_job"), {"id": job_id, "only_lapsed": False}).one_or_none()
    if row is not None:
        return Ended.of(row)
    job = session.execute(select(Job.status, Job.owner_id).where(Job.id == job_id)).one_or_none()
    return None if job is None else Ended(JobStatus(job.status), job.owner_id, None, None)


def settle_lapsed_cancel(session: Session, job_id: UUID) -> Ended | None:
    """End a job that was asked to stop and whose worker fell silent; None if it is none such.

    A sweep does this too; whoever reads the job need not wait for one, when no worker lives.
    """
    row = session.execute(query("cancel_job"), {"id": job_id, "only_lapsed": True}).one_or_none()
    return None if row is None else Ended.of(row)
