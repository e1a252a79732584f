"""Writing what an attempt has done, also through a moment without Postgres."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from models import Database
from models.step import Step

log = logging.getLogger(__name__)

T = TypeVar("T")

# For so long an answer that is ready waits for Postgres. Past the lease it may find that another
# attempt has begun: the fence decides, not the clock.
PATIENCE_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


def record(database: Database, write: Callable[[Step], T]) -> T:
    """Do one fenced step, again and again while Postgres is away.

    Trying again is safe: when a step was committed and only its answer was lost, the next try
    says the same once more, or is refused because the job has moved on.

    Raises:
        StaleFenceError: this attempt may not write any more.
        OperationalError, InterfaceError: Postgres was away for longer than PATIENCE_SECONDS.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            with database.worker_step() as step:
                return write(step)
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("step not recorded, trying again: %s", type(error).__name__)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
