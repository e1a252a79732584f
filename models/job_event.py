"""What happened to a job, one row a thing: the timeline people read, and the audit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, SmallInteger, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created


class JobEvent(Base):
    """One thing that happened. Append-only.

    `event` is enqueued, claimed, retry, rescued, handed_back, cancel_requested or an end:
    succeeded, failed, cancelled.
    """

    __tablename__ = "job_events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["job_id", "owner_id"],
            ["jobs.id", "jobs.owner_id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_job_events_job_id_id", "job_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    at: Mapped[created]
    event: Mapped[str]
    attempt: Mapped[int | None] = mapped_column(SmallInteger)
    detail: Mapped[dict[str, Any] | None]


def timeline(session: Session, job_id: UUID) -> list[JobEvent]:
    """Return what happened to a job of the person whose transaction this is, oldest first."""
    return list(
        session.scalars(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id))
    )
