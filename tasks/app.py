"""The Celery application and what its processes do when they start."""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery, signals

from models.errors import TextbackError
from models.log_filter import mask_output
from models.quiet_logs import keep_secrets_out_of_logs
from tasks import runtime
from tasks.start_check import wait_for_safe_database

keep_secrets_out_of_logs()
celery_app = Celery(
    "textback",
    task_cls="tasks.quiet_task:QuietTask",
    include=[
        "tasks.jobs",
        "tasks.notifications",
        "tasks.text_fates",
        "tasks.codes",
        "tasks.maintenance",
        "tasks.shutdown",
        "tasks.idle",
    ],
)
celery_app.config_from_object("celeryconfig")
celery_app.steps["worker"].add("tasks.node:Node")
celery_app.steps["consumer"].add("tasks.gathering:Gathering")
celery_app.steps["consumer"].add("tasks.ahead:Ahead")


@signals.setup_logging.connect
def _set_up_logging(loglevel: int = logging.INFO, **_: Any) -> None:
    mask_output()  # what a kind prints
    logging.basicConfig(
        level=loglevel, format="%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s"
    )
    # A line for every sweep every five seconds buries the jobs.
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)


@signals.worker_init.connect
def _refuse_an_unsafe_database(**_: Any) -> None:
    """Check the login before any job is taken.

    Celery swallows every Exception of a handler, so a refusal must not be one.
    """
    try:
        wait_for_safe_database(runtime.settings())
    except TextbackError as error:
        raise SystemExit(f"textback: {error}") from None
