"""Deleting one search: its answer, inputs, links, events and text, and the row itself."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.errors import TextbackError
from models.job import Job
from models.queries import query


class JobNotEndedError(TextbackError):
    """The job has not ended: it has to be cancelled first."""


def delete_job(session: Session, account_id: UUID, job_id: UUID) -> bool:
    """Remove a job that has ended, in the transaction of `session`; False if there is none.

    Its links lead nowhere from then on, a text that has not gone out is not sent, and the provider
    is asked to delete one that has.

    Args:
        session: one opened by `Database.operator`.
        account_id: whose job it has to be.
        job_id: which. Inputs that another job of the account names stay.

    Raises:
        JobNotEndedError: it waits or runs.
    """
    job = session.scalar(
        select(Job).where(Job.id == job_id, Job.owner_id == account_id).with_for_update()
    )
    if job is None:
        return False
    if not job.is_final:
        raise JobNotEndedError(f"The job {job_id} has not ended; cancel it first.")
    session.execute(query("forget_texts_of_job"), {"job_id": job_id})
    session.execute(query("delete_uploads"), {"account_id": account_id, "job_id": job_id})
    session.execute(
        delete(Job).where(Job.id == job_id).execution_options(synchronize_session=False)
    )
    return True
