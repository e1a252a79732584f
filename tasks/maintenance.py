"""The sweeps: what hints and workers lost is found in the rows. Each may run twice at once."""

from __future__ import annotations

import logging

from sqlalchemy import text

from celeryconfig import INTERACTIVE, NOTIFICATIONS, SCHEDULED
from models.queries import query
from models.turns import count_in_line, give_turns, hint_again
from tasks import runtime
from tasks.app import celery_app
from tasks.dispatch import send_job_hint, send_notification_hint
from tasks.wake import wake_on_commit

log = logging.getLogger(__name__)

# A hint is given this long to be taken before it counts as lost.
PATIENCE_SECONDS = 10.0
# No more hints than this wait in Redis for one queue: rows wait better than messages.
MOST_HINTS = 100
LOST_WORKER = "Our side was interrupted each time we tried, so there is no answer."


@celery_app.task(name="sweep.dispatch_waiting_jobs", send_events=False)
def dispatch_waiting_jobs() -> int:
    """Give waiting jobs their turn, and hint again at those in line whose hint was lost."""
    sent = 0
    for queue in (INTERACTIVE, SCHEDULED):
        waiting = int(runtime.redis_client().llen(queue))
        room = MOST_HINTS - waiting
        if room <= 0:
            continue
        with runtime.database().operator() as session:
            # As many messages as jobs in line: none was lost.
            lost = count_in_line(session, queue) - waiting
            turns = give_turns(
                session,
                queue,
                most_running=runtime.settings().running_jobs_per_person,
                most=room,
            )
            if lost > 0:
                turns += hint_again(
                    session,
                    queue,
                    patience_seconds=PATIENCE_SECONDS,
                    most=min(lost, room - len(turns)),
                )
        for turn in turns:
            send_job_hint(turn.job_id, turn.kind, turn.queue)
        sent += len(turns)
    if sent:
        log.info("dispatched waiting jobs count=%s", sent)
    return sent


@celery_app.task(name="sweep.rescue_stalled_jobs", send_events=False)
def rescue_stalled_jobs() -> int:
    """Put jobs whose lease lapsed back in the queue, or fail them when no attempt is left."""
    with runtime.database().operator() as session:
        rows = session.execute(query("rescue_jobs"), {"message": LOST_WORKER}).all()
        for row in rows:
            wake_on_commit(session, row.id)
    if rows:
        log.warning("rescued jobs of silent workers count=%s", len(rows))
        dispatch_waiting_jobs()
    return len(rows)


@celery_app.task(name="sweep.send_due_notifications", send_events=False)
def send_due_notifications() -> int:
    """Hint again at texts nobody sent; hold those whose sender fell silent."""
    with runtime.database().operator() as session:
        held = session.execute(query("hold_notifications")).all()
        for row in held:
            wake_on_commit(session, row.job_id)
    if held:
        log.warning("texts held for review count=%s", len(held))
    room = _room(NOTIFICATIONS)
    if room <= 0:
        return 0
    with runtime.database().operator() as session:
        due = session.scalars(
            query("dispatch_notifications"),
            {"patience_seconds": PATIENCE_SECONDS, "room": room},
        ).all()
    for notification_id in due:
        send_notification_hint(notification_id)
    return len(due)


@celery_app.task(name="sweep.prune_uploads", send_events=False)
def prune_uploads() -> int:
    """Delete input files that no job keeps any more, a batch at a time."""
    with runtime.database().operator() as session:
        pruned = len(session.execute(query("prune_uploads"), {"most": 200}).all())
    if pruned:
        log.info("pruned uploads count=%s", pruned)
    return pruned


def _room(queue: str) -> int:
    return MOST_HINTS - int(runtime.redis_client().llen(queue))


@celery_app.task(name="worker.ping", ignore_result=False)
def ping() -> str:
    """Answer from a real worker, by way of the broker, Postgres and the result backend."""
    with runtime.database().worker() as session:
        return f"pong, database time {session.scalar(text('select clock_timestamp()'))}"
