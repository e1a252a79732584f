"""A job: one request of a person, its state, its progress and its answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column

from models.base import Base, created, uuid_pk
from models.queries import query


class JobStatus(StrEnum):
    """Where a job is in its life. Waiting, retrying and the wish to cancel are columns."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# The allowed moves; the trigger jobs_guard holds the same table against every other writer.
TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.RUNNING: frozenset(
        {JobStatus.QUEUED, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}
    ),
    JobStatus.SUCCEEDED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}
FINAL = frozenset(status for status, targets in TRANSITIONS.items() if not targets)


class JobSource(StrEnum):
    """What asked for the job."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    API = "api"
    RERUN = "rerun"


class Job(Base):
    """The row that is the truth about one request. Messages about it are only hints."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(
            "status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"
        ),
        CheckConstraint("source in ('manual', 'schedule', 'api', 'rerun')", name="source"),
        CheckConstraint("progress between 0 and 100", name="progress"),
        CheckConstraint("notify in ('none', 'sms', 'new')", name="notify"),
        ForeignKeyConstraint(
            ["saved_search_id", "owner_id"],
            ["saved_searches.id", "saved_searches.owner_id"],
            ondelete="SET NULL (saved_search_id)",
            onupdate="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        # Children point at (id, owner_id), so that none can hang on somebody else's job.
        Index("uq_jobs_id_owner_id", "id", "owner_id", unique=True),
        Index("ix_jobs_queued", "queue", "id", postgresql_where=text("status = 'queued'")),
        Index(
            "ix_jobs_waiting",
            "owner_id",
            "queue",
            "id",
            postgresql_where=text("status = 'queued' and dispatched_at is null"),
        ),
        Index(
            "ix_jobs_waiting_in_queue",
            "queue",
            "owner_id",
            "id",
            postgresql_where=text("status = 'queued' and dispatched_at is null"),
        ),
        Index(
            "ix_jobs_in_line",
            "owner_id",
            postgresql_where=text("status = 'queued' and dispatched_at is not null"),
        ),
        Index("ix_jobs_running_owner_id", "owner_id", postgresql_where=text("status = 'running'")),
        Index(
            "ix_jobs_succeeded",
            "kind",
            text("finished_at desc"),
            postgresql_where=text("status = 'succeeded'"),
        ),
        Index("ix_jobs_owner_id_id", "owner_id", text("id desc")),
        Index("ix_jobs_unpruned", "expires_at", postgresql_where=text("pruned_at is null")),
        Index(
            "uq_jobs_owner_id_idempotency_key",
            "owner_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key is not null"),
        ),
        Index("ix_jobs_keyed", "created_at", postgresql_where=text("idempotency_key is not null")),
        Index(
            "ix_jobs_open_question",
            "owner_id",
            "question_hash",
            postgresql_where=text("status in ('queued', 'running') and question_hash is not null"),
        ),
        Index(
            "ix_jobs_saved_search_id_id",
            "saved_search_id",
            text("id desc"),
            postgresql_where=text("saved_search_id is not null"),
        ),
        Index(
            "ix_jobs_saved_search_active",
            "saved_search_id",
            postgresql_where=text(
                "saved_search_id is not null and status in ('queued', 'running')"
            ),
        ),
    )

    id: Mapped[uuid_pk]
    owner_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    kind: Mapped[str]
    queue: Mapped[str]
    source: Mapped[str]
    client_context: Mapped[dict[str, Any] | None]
    params: Mapped[dict[str, Any]]
    locale: Mapped[str] = mapped_column(server_default="en")
    notify: Mapped[str] = mapped_column(server_default="none")

    status: Mapped[str] = mapped_column(server_default="queued")
    progress: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    progress_done: Mapped[int | None]
    progress_total: Mapped[int | None]
    progress_unit: Mapped[str | None]
    stage: Mapped[str | None]
    eta_seconds: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="1")

    result: Mapped[dict[str, Any] | None] = deferred(mapped_column())
    result_count: Mapped[int | None]
    partial: Mapped[bool] = mapped_column(server_default=text("false"))
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    checkpoint: Mapped[dict[str, Any] | None] = deferred(mapped_column())
    rerun_of_id: Mapped[UUID | None]
    saved_search_id: Mapped[UUID | None]
    # What no saved search of its person had seen before; None where there is nothing to compare.
    new_count: Mapped[int | None]
    new_keys: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[bytes | None]
    question_hash: Mapped[bytes | None]

    attempt: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    fence: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    not_before: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    hinted_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]

    created_at: Mapped[created]
    updated_at: Mapped[created]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    pruned_at: Mapped[datetime | None]
    meta: Mapped[dict[str, Any] | None]

    @property
    def is_final(self) -> bool:
        """Whether nothing about this job will change any more."""
        return self.status in FINAL


def jobs_page(
    session: Session,
    *,
    limit: int,
    before: UUID | None = None,
    kind: str | None = None,
    status: str | None = None,
    source: str | None = None,
    meant: ColumnElement[bool] | None = None,
) -> list[Job]:
    """Return the person's jobs, newest first.

    Args:
        session: one opened by `Database.owner`; row level security does the rest.
        limit: rows at the most.
        before: only jobs made before this one (ids sort by time).
        kind: only this kind.
        status: only this status.
        source: only this source.
        meant: only those of which this holds.
    """
    statement = select(Job).order_by(Job.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Job.id < before)
    for column, value in ((Job.kind, kind), (Job.status, status), (Job.source, source)):
        if value is not None:
            statement = statement.where(column == value)
    if meant is not None:
        statement = statement.where(meant)
    return list(session.scalars(statement))


def count_active(session: Session, owner_id: UUID) -> int:
    """Return how many jobs of a person have not ended."""
    return session.scalar(query("count_active"), {"owner_id": owner_id}) or 0


def queue_positions(session: Session, job_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the place of each job that is queued: 1 is served next. The others are left out.

    Everybody's jobs count, in whosever transaction; one pass over each queue, however many ids.
    """
    if not job_ids:
        return {}
    rows = session.execute(query("queue_positions"), {"ids": list(job_ids)})
    return {row.job_id: row.place for row in rows}
