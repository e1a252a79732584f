"""Deleting one search: its answer, inputs, links, events and text, and the row itself."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.errors import TextbackError
from models.job import Job
from models.notification import Notification, NotificationStatus
from models.queries import query

# Nobody knows yet whether these went out, or as which of the provider's texts.
_UNDER_WAY = (NotificationStatus.SENDING, NotificationStatus.UNKNOWN)


class JobNotEndedError(TextbackError):
    """The job has not ended: it has to be cancelled first."""


class TextUnderWayError(TextbackError):
    """The job's text is being sent just now, or looked for at the provider."""


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
        TextUnderWayError: its text may be at the provider, under an id that is not known yet.
    """
    # In the order in which senders of texts lock them. What is locked is decided about in a later
    # statement, which sees what was committed meanwhile.
    texts = session.scalars(
        select(Notification.status)
        .where(Notification.job_id == job_id, Notification.owner_id == account_id)
        .with_for_update()
    ).all()
    job = session.scalar(
        select(Job).where(Job.id == job_id, Job.owner_id == account_id).with_for_update()
    )
    if job is None:
        return False
    if not job.is_final:
        raise JobNotEndedError(f"The job {job_id} has not ended; cancel it first.")
    if any(status in _UNDER_WAY for status in texts):
        raise TextUnderWayError(f"The text of the job {job_id} is being sent; try again later.")
    session.execute(query("forget_texts_of_job"), {"job_id": job_id})
    session.execute(query("lock_uploads"), {"account_id": account_id, "job_id": job_id})
    session.execute(query("delete_uploads"), {"account_id": account_id, "job_id": job_id})
    session.execute(
        delete(Job).where(Job.id == job_id).execution_options(synchronize_session=False)
    )
    return True
