"""Texts that a person has to decide about: nobody can find out whether they went out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from models.notification import Notification, NotificationStatus
from models.operator_event import record_operator_event


def mark_sent(session: Session, notification_id: UUID) -> UUID | None:
    """It did go out, as the provider's own list or its person says.

    Each of these takes a transaction of `Database.operator` and returns the job the text is about,
    or None if the text waits for no decision (any more).
    """
    return _decide(
        session,
        notification_id,
        NotificationStatus.SENT,
        sent_at=func.coalesce(Notification.sent_at, func.clock_timestamp()),
        error_code=None,
    )


def give_up(session: Session, notification_id: UUID) -> UUID | None:
    """Leave it: its person finds the answer on the page."""
    return _decide(session, notification_id, NotificationStatus.FAILED)


def send_again(session: Session, notification_id: UUID) -> UUID | None:
    """Send it once more, though the first may have gone out: only a person may take that risk."""
    return _decide(
        session,
        notification_id,
        NotificationStatus.QUEUED,
        resends=Notification.resends + 1,
        looks=0,
        guarded_at=None,
        provider_sid=None,
        error_code=None,
    )


VERBS = {"sent": mark_sent, "give-up": give_up, "again": send_again}


def _decide(
    session: Session, notification_id: UUID, status: NotificationStatus, **values: Any
) -> UUID | None:
    job_id: UUID | None = session.scalar(
        update(Notification)
        .where(
            Notification.id == notification_id,
            Notification.status == NotificationStatus.NEEDS_REVIEW,
        )
        .values(
            status=status,
            holder=None,
            lease_until=None,
            not_before=None,
            dispatched_at=None,
            updated_at=func.clock_timestamp(),
            **values,
        )
        .returning(Notification.job_id)
        .execution_options(synchronize_session=False)
    )
    if job_id is not None:
        record_operator_event(session, "text_reviewed", str(notification_id), now=status.value)
    return job_id
