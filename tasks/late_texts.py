"""A text about a search that already runs, for somebody who asks for it only now."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import Job, JobStatus, ResultLink, Settings
from tasks.wake import wake_on_commit


def text_when_done(session: Session, settings: Settings, job_id: UUID) -> bool:
    """Have the link of a person's job texted at its end; the number is verified already.

    Returns:
        False if the job has ended, or is to be texted anyway.
    """
    # The row's lock decides between this and the end of the job: one of them sees the other.
    row = session.execute(
        update(Job)
        .where(
            Job.id == job_id,
            Job.notify != "sms",
            Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING)),
        )
        .values(notify="sms", version=Job.version + 1, updated_at=func.clock_timestamp())
        .returning(Job.owner_id, Job.expires_at)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return False
    # A run of a schedule that would be told of if it found something new has one.
    has_link = session.scalar(
        select(ResultLink.id).where(
            ResultLink.job_id == job_id,
            ResultLink.purpose == "text",
            ResultLink.revoked_at.is_(None),
        )
    )
    if has_link is None:
        ResultLink.create(
            session,
            settings,
            job_id=job_id,
            owner_id=row.owner_id,
            purpose="text",
            expires_at=row.expires_at,
        )
    wake_on_commit(session, job_id)
    return True
