"""Ending the attempt of a child that was killed and cannot do it itself."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from models.claim import Ended, lose_attempt
from tasks.errors import LOST_WORKER, TOO_SLOW
from tasks.telling import tell_on_commit


def give_up_attempt(
    session: Session, job_id: UUID, *, worker: str, is_slow: bool = False
) -> Ended | None:
    """Put the job back, or fail it after its last attempt, and tell who waits for it.

    Args:
        session: one opened by `Database.worker`.
        job_id: what the child worked on.
        worker: how the child named itself in the row; no other attempt is touched.
        is_slow: it was killed because it took longer than it may, which ends the job.

    Returns:
        None if that child had no such attempt any more.
    """
    ended = lose_attempt(
        session,
        job_id,
        worker=worker,
        code="time_limit" if is_slow else "worker_lost",
        message=TOO_SLOW if is_slow else LOST_WORKER,
        final=is_slow,
    )
    if ended is not None:
        tell_on_commit(session, job_id, ended)
    return ended
