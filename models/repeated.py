"""Telling a repeated request from a new one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, func, not_, select, update
from sqlalchemy.orm import Session

from models.job import Job, JobSource, JobStatus

KEY_LIFETIME = timedelta(days=7)


def find_by_idempotency_key(session: Session, key: str) -> Job | None:
    """Return the job this person made under a key in the last seven days.

    A key older than that is let go, so that it can be used again.
    """
    too_old = func.now() - KEY_LIFETIME
    session.execute(
        update(Job)
        .where(Job.idempotency_key == key, Job.created_at < too_old)
        .values(idempotency_key=None, request_hash=None)
    )
    return session.scalar(select(Job).where(Job.idempotency_key == key))


def find_same_question(session: Session, question_hash: bytes) -> UUID | None:
    """Return this person's newest job that is asking the same and has not ended.

    One that waits for the hour of a schedule does not count: whoever asks now wants to know now.
    """
    return session.scalar(
        select(Job.id)
        .where(
            Job.question_hash == question_hash,
            Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING)),
            Job.cancel_requested_at.is_(None),
            not_(and_(Job.status == JobStatus.QUEUED, Job.source == JobSource.SCHEDULE)),
        )
        .order_by(Job.id.desc())
        .limit(1)
    )
