"""The Celery task that does jobs. Its message is a hint, so any copy of it may run or be lost."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

from billiard.process import current_process
from celery.exceptions import Ignore

from tasks import runner, runtime
from tasks.app import celery_app
from tasks.errors import StaleHint
from tasks.shutdown import JOB_TASK, is_stopping, worker_name


@celery_app.task(name=JOB_TASK, bind=True, Request="tasks.request:JobRequest")
def run_job(self: Any, job_id: str) -> str:
    """Do a job if it still waits; ends as the job does, so that Flower tells the truth."""
    try:
        _begin_nothing_in_a_stop(job_id)
        return runner.run(
            UUID(job_id),
            worker=_name_of_this_process(self.request.hostname),
            database=runtime.database(),
            settings=runtime.settings(),
        )
    except StaleHint as hint:
        # Celery sends no event for an ignored task, and Flower would show it running for ever.
        self.send_event("task-ignored", reason=str(hint))
        raise Ignore(str(hint)) from None


def _begin_nothing_in_a_stop(job_id: str) -> None:
    """Leave what waited behind another job to other workers, which have been told of it."""
    if is_stopping():
        raise StaleHint(f"job {job_id}: this worker stops")


def _name_of_this_process(hostname: str) -> str:
    """Name the main process, which is asked to stop, and the child it has unless it is solo."""
    if current_process().name == "MainProcess":
        return worker_name(hostname, main=os.getpid())
    return worker_name(hostname, main=os.getppid(), child=os.getpid())
