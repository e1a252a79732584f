"""The sweeps: what hints and workers lost is found in the rows. Each may run twice at once.

Beat has them sent to the maintenance worker, and a process beside each worker runs them too.
With `alone` a sweep is left out while another process does it; that spares work and no more.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from celeryconfig import INTERACTIVE, NOTIFICATIONS, SCHEDULED
from models.queries import query
from models.saved_search import MOST_FAILURES
from models.turns import count_in_line, give_turns, hint_again
from tasks import runtime
from tasks.dispatch import (
    notify_on_commit,
    send_code_hint,
    send_job_hint,
    send_look_hint,
    send_notification_hint,
)
from tasks.enqueueing import enqueue_due
from tasks.errors import LOST_WORKER, WAITED_TOO_LONG
from tasks.sweeping import sweeping
from tasks.wake import wake_on_commit, wake_person_on_commit

log = logging.getLogger(__name__)

# A hint is given this long to be taken before it counts as lost.
PATIENCE_SECONDS = 10.0
# No more hints than this wait in Redis for one queue: rows wait better than messages.
MOST_HINTS = 100
# Somebody waits for a code, looking at the page.
CODE_PATIENCE_SECONDS = 4.0
PRUNE_BATCH = 200  # rows of one transaction: short, so that nobody waits behind it
PRUNE_RUN_SECONDS = 20.0
# The worker of the sweeps does the others in between.
ENQUEUE_SECONDS = 4.0
SETTLE_BATCH = 1000


def dispatch_waiting_jobs(*, alone: bool = False) -> int:
    """Give waiting jobs their turn, and hint again at those in line whose hint was lost."""
    sent = 0
    for queue in (INTERACTIVE, SCHEDULED):
        waiting = count_messages(queue)
        room = MOST_HINTS - waiting
        if room <= 0:
            continue
        turns = []
        with _sweeping(f"dispatch {queue}", alone=alone) as session:
            if session is not None:
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


def rescue_stalled_jobs(*, alone: bool = False) -> int:
    """Put jobs whose lease lapsed back in the queue, or fail them when no attempt is left."""
    with _sweeping("rescue", alone=alone) as session:
        if session is None:
            return 0
        rows = session.execute(query("rescue_jobs"), {"message": LOST_WORKER}).all()
        for row in rows:
            wake_on_commit(session, row.id)
            wake_person_on_commit(session, row.owner_id)
    if rows:
        log.warning("rescued jobs of silent workers count=%s", len(rows))
        dispatch_waiting_jobs()
    return len(rows)


def send_due_notifications(*, alone: bool = False) -> int:
    """Hint again at texts nobody sent; have those looked for whose sender fell silent."""
    first_look, _ = runtime.settings().look_seconds
    with _sweeping("lapse notifications", alone=alone) as session:
        if session is None:
            return 0
        lapsed = session.execute(
            query("lapse_notifications"), {"first_look_seconds": first_look}
        ).all()
        for row in lapsed:
            wake_on_commit(session, row.job_id)
    if lapsed:
        log.warning("texts of silent senders count=%s", len(lapsed))
    room = MOST_HINTS - count_messages(NOTIFICATIONS)
    if room <= 0:
        return 0
    sent = 0
    with _sweeping("lapse_codes", alone=alone) as session:
        if session is not None:
            session.execute(query("lapse_codes"))
    for name, send_hint, patience in (
        ("dispatch_codes", send_code_hint, CODE_PATIENCE_SECONDS),
        ("dispatch_notifications", send_notification_hint, PATIENCE_SECONDS),
        ("due_looks", send_look_hint, PATIENCE_SECONDS),
    ):
        with _sweeping(name, alone=alone) as session:
            if session is None:
                continue
            due = session.scalars(query(name), {"patience_seconds": patience, "room": room}).all()
        for notification_id in due:
            send_hint(notification_id)
        sent += len(due)
    return sent


def enqueue_due_searches(*, alone: bool = False) -> int:
    """Turn the slots of saved searches that have come into jobs; count what became of those."""
    done = enqueue_due(runtime.database(), runtime.settings(), seconds=ENQUEUE_SECONDS, alone=alone)
    if done.enqueued:
        dispatch_waiting_jobs(alone=alone)
    settle_occurrences(alone=alone)
    return done.enqueued


def settle_occurrences(*, alone: bool = False) -> int:
    """Count failures of scheduled runs, and have a search rest that fails again and again."""
    with _sweeping("settle occurrences", alone=alone) as session:
        if session is None:
            return 0
        row = session.execute(
            query("settle_occurrences"), {"most": SETTLE_BATCH, "most_failures": MOST_FAILURES}
        ).one()
        for notification_id in row.notification_ids:
            notify_on_commit(session, notification_id)
        for owner_id in row.owner_ids:
            wake_person_on_commit(session, owner_id)
    if row.paused:
        log.warning("saved searches paused after failures count=%s", row.paused)
    return int(row.settled)


def prune_expired(*, alone: bool = False, seconds: float = PRUNE_RUN_SECONDS) -> int:
    """Let go of what is past its time, a small batch at a time, and of no more than fits a run."""
    stop_at = time.monotonic() + seconds
    pruned = 0
    for name in _PRUNED:
        while time.monotonic() < stop_at:
            count = _prune(name, alone=alone)
            pruned += count
            if count < PRUNE_BATCH:
                break
    if pruned:
        log.info("pruned what has expired rows=%s", pruned)
    return pruned


# Jobs that waited too long end first, so that they are emptied in the same run.
_PRUNED = (
    "end_overdue_jobs",
    "prune_jobs",
    "prune_uploads",
    "release_keys",
    "prune_operator_events",
    "prune_codes",
    "prune_counters",
    "prune_occurrences",
    "prune_sightings",
    "prune_postings",
)


def _prune(name: str, *, alone: bool) -> int:
    values: dict[str, object] = {"most": PRUNE_BATCH}
    if name == "end_overdue_jobs":
        values |= {"message": WAITED_TOO_LONG}
    with _sweeping(name, alone=alone) as session:
        if session is None:
            return 0
        rows = session.execute(query(name), values).all()
        if name == "end_overdue_jobs":
            for row in rows:
                wake_on_commit(session, row.id)
                wake_person_on_commit(session, row.owner_id)
    return len(rows)


def _sweeping(name: str, *, alone: bool) -> AbstractContextManager[Session | None]:
    return sweeping(name, alone=alone, database=runtime.database())


def count_messages(queue: str) -> int:
    """Return how many messages wait in Redis for a queue."""
    return int(runtime.redis_client().llen(queue))
