"""The Celery tasks that beat sends: each sweep once, whoever else is at it."""

from __future__ import annotations

from sqlalchemy import text

from tasks import runtime, sweeps
from tasks.app import celery_app


@celery_app.task(name="sweep.dispatch_waiting_jobs", send_events=False)
def dispatch_waiting_jobs() -> int:
    """Give waiting jobs their turn, and hint again at those in line whose hint was lost."""
    return sweeps.dispatch_waiting_jobs()


@celery_app.task(name="sweep.rescue_stalled_jobs", send_events=False)
def rescue_stalled_jobs() -> int:
    """Put jobs whose lease lapsed back in the queue, or fail them when no attempt is left."""
    return sweeps.rescue_stalled_jobs()


@celery_app.task(name="sweep.send_due_notifications", send_events=False)
def send_due_notifications() -> int:
    """Hint again at texts nobody sent; hold those whose sender fell silent."""
    return sweeps.send_due_notifications()


@celery_app.task(name="sweep.enqueue_due_searches", send_events=False)
def enqueue_due_searches() -> int:
    """Turn the slots of saved searches that have come into jobs."""
    return sweeps.enqueue_due_searches()


@celery_app.task(name="sweep.prune_expired", send_events=False)
def prune_expired() -> int:
    """Let go of answers, inputs, links, checkpoints, keys and events that are past their time."""
    return sweeps.prune_expired()


@celery_app.task(name="worker.ping", ignore_result=False)
def ping() -> str:
    """Answer from a real worker, by way of the broker, Postgres and the result backend."""
    with runtime.database().worker() as session:
        return f"pong, database time {session.scalar(text('select clock_timestamp()'))}"
