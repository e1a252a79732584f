"""A job: one request of a person, its state, its progress and its answer."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, select, text
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column

from models.base import Base, created, uuid_pk
from models.errors import StaleFenceError
from models.queries import query
from models.storable import MAX_CHECKPOINT_BYTES, MAX_RESULT_BYTES, storable


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
        CheckConstraint("notify in ('none', 'sms')", name="notify"),
        # Children point at (id, owner_id), so that none can hang on somebody else's job.
        Index("uq_jobs_id_owner_id", "id", "owner_id", unique=True),
        Index("ix_jobs_queued", "queue", "id", postgresql_where=text("status = 'queued'")),
        Index("ix_jobs_running", "id", postgresql_where=text("status = 'running'")),
        Index("ix_jobs_owner_id_id", "owner_id", text("id desc")),
        Index("ix_jobs_expires_at", "expires_at"),
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

    attempt: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    fence: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    not_before: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]

    created_at: Mapped[created]
    updated_at: Mapped[created]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    meta: Mapped[dict[str, Any] | None]

    @property
    def is_final(self) -> bool:
        """Whether nothing about this job will change any more."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt's right to work on a job: every write it makes carries `fence`."""

    job_id: UUID
    owner_id: UUID
    kind: str
    params: dict[str, Any]
    attempt: int
    max_attempts: int
    fence: int
    checkpoint: dict[str, Any] | None

    @classmethod
    def take(
        cls, session: Session, job_id: UUID, *, worker: str, lease_seconds: float
    ) -> Self | None:
        """Move a queued, due job to running and count the attempt.

        Returns:
            None when the hint was stale: the job is gone, taken, ended or not due yet.
        """
        row = session.execute(
            query("claim_job"), {"id": job_id, "worker": worker, "lease_seconds": lease_seconds}
        ).one_or_none()
        return None if row is None else cls(**row._mapping)

    def heartbeat(
        self, session: Session, *, lease_seconds: float, progress: Progress | None = None
    ) -> bool:
        """Renew the lease, with the newest progress if it changed.

        Returns:
            Whether the person asked for the job to be cancelled.

        Raises:
            StaleFenceError: another attempt has the job now, or it has ended.
        """
        values: dict[str, Any] = {**self._guard, "lease_seconds": lease_seconds}
        if progress is None:
            row = session.execute(query("renew_lease"), values).one_or_none()
        else:
            values |= progress.columns()
            row = session.execute(query("report_progress"), values).one_or_none()
        if row is None:
            raise StaleFenceError
        return bool(row.cancel_requested)

    def check(self, session: Session) -> bool:
        """Read whether the person asked for a cancel; raises like `heartbeat`, renews nothing."""
        return bool(self._fenced(session, "check_claim").cancel_requested)

    def save_checkpoint(self, session: Session, checkpoint: Mapping[str, Any]) -> None:
        """Keep what a retry goes on from.

        Raises:
            StaleFenceError: this attempt may not write any more.
            UnstorableError: it is not JSON, or over 5 MB.
        """
        cleaned = storable(checkpoint, max_bytes=MAX_CHECKPOINT_BYTES)
        self._fenced(session, "save_checkpoint", checkpoint=json.dumps(cleaned))

    def succeed(
        self,
        session: Session,
        result: Mapping[str, Any],
        *,
        result_count: int | None,
        partial: bool = False,
    ) -> UUID | None:
        """End the job with its answer, and leave the text message's row in the same statement.

        Returns:
            The id of the notification to send, or None if nobody asked for one.

        Raises:
            StaleFenceError: this attempt may not write any more.
            UnstorableError: the result is not JSON, or over 5 MB.
        """
        cleaned = storable(result, max_bytes=MAX_RESULT_BYTES)
        return self._end(
            session,
            JobStatus.SUCCEEDED,
            result=json.dumps(cleaned),
            result_count=result_count,
            partial=partial,
        )

    def fail(self, session: Session, code: str, message: str) -> UUID | None:
        """End the job with a code for programs and a sentence for people; see `succeed`."""
        return self._end(session, JobStatus.FAILED, error_code=code, error_message=message)

    def cancel(self, session: Session) -> UUID | None:
        """End the job because its person asked for it; see `succeed`."""
        return self._end(session, JobStatus.CANCELLED)

    def retry(self, session: Session, *, delay_seconds: float, code: str, message: str) -> None:
        """Put the job back in the queue for the next attempt.

        Raises:
            StaleFenceError: this attempt may not write any more.
        """
        self._fenced(
            session,
            "retry_job",
            delay_seconds=delay_seconds,
            detail=json.dumps({"code": code, "message": message, "delay_seconds": delay_seconds}),
        )

    def _end(self, session: Session, status: JobStatus, **columns: Any) -> UUID | None:
        values = {
            "result": None,
            "result_count": None,
            "partial": False,
            "error_code": None,
            "error_message": None,
        } | columns
        notification_id: UUID | None = self._fenced(
            session, "finish_job", status=status, **values
        ).notification_id
        return notification_id

    def _fenced(self, session: Session, name: str, **values: Any) -> Any:
        row = session.execute(query(name), {**self._guard, **values}).one_or_none()
        if row is None:
            raise StaleFenceError
        return row

    @property
    def _guard(self) -> dict[str, Any]:
        return {"id": self.job_id, "fence": self.fence}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt is.

    `percent` is 0 to 100 and never falls within an attempt; `done` of `total` `unit`s is the truth
    behind it where the kind can count.
    """

    percent: int = 0
    done: int | None = None
    total: int | None = None
    unit: str | None = None
    stage: str | None = None
    eta_seconds: int | None = None

    def columns(self) -> dict[str, Any]:
        """Return the values for report_progress.sql."""
        return {
            "progress": self.percent,
            "progress_done": self.done,
            "progress_total": self.total,
            "progress_unit": self.unit,
            "stage": self.stage,
            "eta_seconds": self.eta_seconds,
        }


def jobs_page(
    session: Session,
    *,
    limit: int,
    before: UUID | None = None,
    kind: str | None = None,
    status: str | None = None,
    source: str | None = None,
) -> list[Job]:
    """Return the person's jobs, newest first.

    Args:
        session: one opened by `Database.owner`; row level security does the rest.
        limit: rows at the most.
        before: only jobs made before this one (ids sort by time).
        kind: only this kind.
        status: only this status.
        source: only this source.
    """
    statement = select(Job).order_by(Job.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Job.id < before)
    for column, value in ((Job.kind, kind), (Job.status, status), (Job.source, source)):
        if value is not None:
            statement = statement.where(column == value)
    return list(session.scalars(statement))


def queue_positions(session: Session, job_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the place of each job that is queued: 1 is served next. The others are left out.

    Everybody's jobs count, in whosever transaction; one pass over each queue, however many ids.
    """
    if not job_ids:
        return {}
    rows = session.execute(query("queue_positions"), {"ids": list(job_ids)})
    return {row.job_id: row.place for row in rows}
