"""A worker that is asked to stop hands its jobs back, instead of letting their leases lapse."""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import signal
import threading
from functools import partial
from typing import Any
from uuid import UUID

from billiard.process import active_children
from celery import signals
from celery.worker import state
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from models import Job, JobStatus
from models.queries import query
from tasks import runtime
from tasks.dispatch import send_job_hint
from tasks.lost import give_up_attempt
from tasks.publishing import publish_later
from tasks.wake import wake_on_commit, wake_person_on_commit

log = logging.getLogger(__name__)

# A child that works on is killed after this long: native code may notice nothing for minutes, and
# whoever stops a worker kills it sooner or later. Others end themselves before.
CHILDREN_SECONDS = 8

# A worker that stops has asked Redis for a message once more: it waits there for a second.
_LISTENED_SECONDS = 1.1

# A stop must not wait for a Postgres that does not answer.
_IMPATIENT = text(
    "select set_config('statement_timeout', '5s', true), set_config('lock_timeout', '2s', true)"
)


JOB_TASK = "job.run"

_stop: mmap.mmap | None = None  # memory that a worker's main process shares with its children


@signals.worker_init.connect
def _begin(**_: object) -> None:
    """Take memory of this worker's own: whoever forked it may have forked others."""
    global _stop  # noqa: PLW0603 - one worker a process
    _stop = mmap.mmap(-1, 1)


def is_stopping() -> bool:
    """Whether this worker was asked to stop: no child of it begins another job."""
    return _stop is not None and _stop[0] == 1


def worker_name(hostname: str, *, main: int, child: int | None = None) -> str:
    """Return what the rows of a worker's jobs hold.

    Args:
        hostname: the node's name, e.g. 'work@host'; two workers of one machine may share it.
        main: the main process, which is the one that is asked to stop.
        child: the process that works on the job; None for a worker without children.
    """
    return f"{hostname}/{main}" if child is None else f"{hostname}/{main}/{child}"


def hand_back_jobs(worker: str) -> None:
    """Put the running rows of this worker back in one statement and tell the others."""
    try:
        with runtime.database().worker() as session:
            session.execute(_IMPATIENT)
            rows = session.execute(query("hand_back_jobs"), {"worker": worker}).all()
            for row in rows:
                wake_on_commit(session, row.id)
                wake_person_on_commit(session, row.owner_id)
    except SQLAlchemyError as error:
        log.warning("jobs not handed back, their leases will lapse: %s", type(error).__name__)
        return
    hints = [
        partial(send_job_hint, row.id, row.kind, row.queue)
        for row in rows
        if row.status == "queued"
    ]
    for hint in hints:
        publish_later(hint)
        # The next message may still come to this worker, which keeps it till its end. So once more,
        # when nothing is brought here any longer; a hint too many does no harm.
        again = threading.Timer(_LISTENED_SECONDS, publish_later, (hint,))
        again.daemon = True
        again.start()
    if rows:
        log.info("handed back jobs count=%s", len(rows))


@signals.worker_shutting_down.connect
def _hand_back_jobs(sender: str, **_: Any) -> None:
    """Do it in the main process: the children are in the middle of their work.

    They notice at their next step that the job is no longer theirs. A child that has just been
    killed in its job has used up an attempt, though nobody here has noticed yet.
    """
    if _stop is not None:
        _stop[0] = 1
    _hint_at_held()
    worker = worker_name(str(sender), main=os.getpid())
    try:
        _give_up_dead_children(worker)
    except SQLAlchemyError as error:
        log.warning("dead children not looked for: %s", type(error).__name__)
    hand_back_jobs(worker)
    if _pool_children():
        signal.signal(signal.SIGALRM, lambda *_: _kill_children(worker))
        signal.alarm(CHILDREN_SECONDS)


def _hint_at_held() -> None:
    """Tell the others of what waits here behind another job, by way of the sweeper."""
    from tasks import node, sweeper  # which take from here how workers are named

    for request in tuple(state.reserved_requests):
        if request.name == JOB_TASK and request not in state.active_requests and request.args:
            node.tell_sweeper(sweeper.HeldHint(UUID(request.args[0])))


def _kill_children(worker: str) -> None:
    children = _pool_children()
    if not children:
        return
    hand_back_jobs(worker)  # what began between the first time and the end of all messages
    log.warning("children do not end, killing them count=%s", len(children))
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)


def _pool_children() -> list[Any]:
    """Return the processes that work on jobs; the sweeper ends with this one."""
    return [child for child in active_children() if child.name != "Sweeper"]


def _give_up_dead_children(worker: str) -> None:
    with runtime.database().worker() as session:
        session.execute(_IMPATIENT)
        rows = session.execute(
            select(Job.id, Job.worker).where(
                Job.status == JobStatus.RUNNING,
                Job.worker.startswith(f"{worker}/", autoescape=True),
            )
        ).all()
        for job_id, child in rows:
            if child is not None and _has_ended(int(child.rpartition("/")[2])):
                give_up_attempt(session, job_id, worker=child)


def _has_ended(child: int) -> bool:
    """Tell whether a child of this process has ended, and leave it to Celery to reap it."""
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
