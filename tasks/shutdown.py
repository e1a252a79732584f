"""A worker that is asked to stop hands its jobs back, instead of letting their leases lapse."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import Any

from celery import signals
from sqlalchemy.exc import SQLAlchemyError

from models.queries import query
from tasks import runtime
from tasks.dispatch import send_job_hint
from tasks.publishing import publish_later
from tasks.wake import wake_on_commit

log = logging.getLogger(__name__)


def worker_name(hostname: str, pid: int | None = None) -> str:
    """Return what the rows of a worker's jobs hold: its node name and its main process.

    Args:
        hostname: the node's name, e.g. 'work@host'; two workers of one machine may share it.
        pid: of the main process.
    """
    return f"{hostname}/{os.getpid() if pid is None else pid}"


@signals.worker_shutting_down.connect
def _hand_back_jobs(sender: str, **_: Any) -> None:
    """Put the running rows of this worker back in one statement and tell the others.

    The parent does it, because its children are in the middle of their work; they notice at their
    next step that the job is no longer theirs.
    """
    try:
        with runtime.database().worker() as session:
            rows = session.execute(
                query("hand_back_jobs"), {"worker": worker_name(str(sender))}
            ).all()
            for row in rows:
                wake_on_commit(session, row.id)
    except SQLAlchemyError as error:
        log.warning("jobs not handed back, their leases will lapse: %s", type(error).__name__)
        return
    for row in rows:
        if row.status == "queued":
            publish_later(partial(send_job_hint, row.id, row.kind, row.queue))
    if rows:
        log.info("handed back jobs count=%s", len(rows))
