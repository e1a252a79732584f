"""Stop a job: one transaction in Postgres, and hints once it is durable."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from models import Ended, Job, JobStatus
from models.cancellation import request_cancel, settle_lapsed_cancel
from tasks.telling import tell_on_commit


def cancel(session: Session, job_id: UUID) -> Ended | None:
    """Stop a job of the person whose transaction this is; see `request_cancel`.

    Open pages hear of it, and the job that takes its slot is hinted at, when that transaction has
    committed. No worker and no broker is needed for the rest.
    """
    ended = request_cancel(session, job_id)
    if ended is not None:
        tell_on_commit(session, job_id, ended)
    return ended


def settle(session: Session, job: Job) -> None:
    """End a job whose person waits for its stop and whose worker fell silent; the row is reread.

    Whoever shows a job calls this, so that it ends even when no worker and no sweep lives.
    """
    if job.status != JobStatus.RUNNING or job.cancel_requested_at is None:
        return
    ended = settle_lapsed_cancel(session, job.id)
    if ended is not None:
        tell_on_commit(session, job.id, ended)
        session.refresh(job)
