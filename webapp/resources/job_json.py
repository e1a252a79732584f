"""A job as programs and pages see it, and the tag that tells one state of it from the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobStatus, Notification
from models.job import queue_positions
from tasks.cancellation import settle
from webapp.estimates import NOTHING_LEFT, Eta, eta_of
from webapp.text_words import text_sentence


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with what is shown beside it.

    Attributes:
        job: the row, without its result.
        notification: its text message, once there is one.
        queue_position: 1 for the next to be taken; None once it was, and between two attempts.
        eta: how long it will still take. No part of the tag: it changes with every look.
        is_expired: whether its result is not to be had any more.
    """

    job: Job
    notification: Notification | None = None
    queue_position: int | None = None
    eta: Eta = NOTHING_LEFT
    is_expired: bool = False

    @property
    def tag(self) -> str:
        """Return what differs between any two states that look different."""
        parts = [str(self.job.version)]
        if self.queue_position is not None:
            parts.append(f"q{self.queue_position}")
        if self.notification is not None:
            parts.append(self.notification.status)
        if self.is_expired:
            parts.append("expired")
        return "-".join(parts)


def read_view(
    session: Session, job_id: UUID, places: Mapping[UUID, int] | None = None
) -> JobView | None:
    """Return a job of the person whose transaction this is, or None; see `views_of`."""
    job = session.get(Job, job_id)
    return None if job is None else views_of(session, [job], places)[0]


def views_of(
    session: Session, jobs: Iterable[Job], places: Mapping[UUID, int] | None = None
) -> list[JobView]:
    """Return jobs with what is shown beside them; a few statements, however many there are.

    A job that was asked to stop and whose worker has fallen silent ends here.

    Args:
        session: a transaction of the jobs' person.
        jobs: any of theirs.
        places: those in the queue that are known already.
    """
    jobs = list(jobs)
    for job in jobs:
        settle(session, job)
    notifications: dict[UUID, Notification] = {}
    texted = [job.id for job in jobs if job.notify != "none" and job.is_final]
    if texted:
        found = session.scalars(select(Notification).where(Notification.job_id.in_(texted)))
        notifications = {notification.job_id: notification for notification in found}
    queued = {job.id for job in jobs if job.status == JobStatus.QUEUED}
    places = {job_id: place for job_id, place in (places or {}).items() if job_id in queued}
    places |= queue_positions(session, queued - places.keys())
    return [
        JobView(
            job,
            notifications.get(job.id),
            places.get(job.id),
            eta_of(session, job, places.get(job.id)),
            has_expired(job),
        )
        for job in jobs
    ]


def has_expired(job: Job) -> bool:
    """Whether what a job found is not to be had any more, already taken away or not."""
    if job.pruned_at is not None:
        return True
    return job.is_final and job.expires_at <= datetime.now(UTC)


def job_json(view: JobView) -> dict[str, Any]:
    """Return the job's JSON. Addresses are relative to the server that answered."""
    job, notification = view.job, view.notification
    return {
        "id": str(job.id),
        "kind": job.kind,
        "source": job.source,
        "status": job.status,
        "progress": job.progress,
        "progress_done": job.progress_done,
        "progress_total": job.progress_total,
        "progress_unit": job.progress_unit,
        "stage": job.stage,
        "eta_seconds": view.eta.seconds,
        "eta_low": view.eta.low,
        "eta_high": view.eta.high,
        "eta_learning": view.eta.is_learning,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "params": job.params,
        "result_count": job.result_count,
        "partial": job.partial,
        "rerun_of_id": None if job.rerun_of_id is None else str(job.rerun_of_id),
        "saved_search_id": None if job.saved_search_id is None else str(job.saved_search_id),
        "new_count": job.new_count,
        "cancel_requested_at": json_time(job.cancel_requested_at),
        "queue_position": view.queue_position,
        "notification": None
        if notification is None
        else {
            "status": notification.status,
            "code": notification.error_code,
            "message": text_sentence(notification, job.locale),
            "at": json_time(notification.sent_at or notification.updated_at),
            "delivered_at": json_time(notification.delivered_at),
        },
        "error": None
        if job.error_code is None
        else {"code": job.error_code, "message": job.error_message},
        "links": job_links(job.id),
        "created_at": json_time(job.created_at),
        "started_at": json_time(job.started_at),
        "finished_at": json_time(job.finished_at),
        "expires_at": json_time(job.expires_at),
        "expired": view.is_expired,
        "version": job.version,
    }


def job_links(job_id: UUID) -> dict[str, str]:
    """Return where to go from a job."""
    at = f"/api/v1/jobs/{job_id}"
    return {
        "self": at,
        "events": f"{at}/events",
        "result": f"{at}/result",
        "timeline": f"{at}/timeline",
        "page": f"/jobs/{job_id}",
    }


def json_time(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC with milliseconds, e.g. 2025-11-21T08:00:00.000Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
