"""Hints for workers: row first, message after.

A hint that is lost is replaced by the sweep, so publishing happens on a thread of its own: a
stalled Redis delays no request and no job.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from models import Turn, after_commit
from models.step import Step
from tasks.publishing import publish_later
from tasks.registry import UnknownKindError, find_kind

_KILL_AFTER_SECONDS = 15


def hint_on_commit(session: Session | Step, turn: Turn | None) -> None:
    """Tell a worker about a job in line once that is durable. Row first, message after."""
    if turn is not None:
        after_commit(
            session,
            lambda: publish_later(lambda: send_job_hint(turn.job_id, turn.kind, turn.queue)),
        )


def notify_on_commit(session: Session | Step, notification_id: UUID) -> None:
    """Tell a sender about a text once its row is durable."""
    after_commit(session, lambda: publish_later(lambda: send_notification_hint(notification_id)))


def code_on_commit(session: Session | Step, code_id: UUID) -> None:
    """Tell a sender about a code once its row is durable."""
    after_commit(session, lambda: publish_later(lambda: send_code_hint(code_id)))


def send_job_hint(job_id: UUID, kind: str, queue: str) -> None:
    """Publish "this job may be claimed"; Flower shows it as job.<kind>."""
    from tasks.jobs import run_job

    try:
        limit = find_kind(kind).time_limit_seconds
    except UnknownKindError:
        limit = _KILL_AFTER_SECONDS  # the worker will fail it with a sentence
    run_job.apply_async(
        args=[str(job_id)],
        queue=queue,
        shadow=f"job.{kind}",
        soft_time_limit=limit,
        time_limit=limit + _KILL_AFTER_SECONDS,
        retry=False,
    )


def send_notification_hint(notification_id: UUID) -> None:
    """Publish "this text may be sent"."""
    from tasks.notifications import deliver_text

    deliver_text.apply_async(args=[str(notification_id)], retry=False)


def send_look_hint(notification_id: UUID) -> None:
    """Publish "this text may be looked for"."""
    from tasks.text_fates import look_for_text

    look_for_text.apply_async(args=[str(notification_id)], retry=False)


def send_code_hint(code_id: UUID) -> None:
    """Publish "this code may be sent"."""
    from tasks.codes import deliver_code

    deliver_code.apply_async(args=[str(code_id)], retry=False)
