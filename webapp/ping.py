"""A round trip through a real worker: broker, pool, Postgres and result backend."""

from __future__ import annotations

import time

from celery.exceptions import TimeoutError as CeleryTimeoutError

from celeryconfig import QUEUE_NAMES
from models.errors import TextbackError
from tasks.maintenance import ping


def ping_worker(timeout: float) -> str:
    """Ask a worker of each queue and return one line for each.

    Raises:
        TextbackError: names the queue whose workers did not answer within `timeout` seconds.
    """
    lines = []
    for queue in QUEUE_NAMES:
        began = time.monotonic()
        try:
            answer = ping.apply_async(queue=queue, expires=timeout).get(timeout, interval=0.05)
        except CeleryTimeoutError:
            raise TextbackError(
                f"no worker answered on the queue {queue} within {timeout:g} s"
            ) from None
        lines.append(f"{queue}: {answer} ({(time.monotonic() - began) * 1000:.0f} ms)")
    return "\n".join(lines)
