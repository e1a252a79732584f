"""Celery with nothing to do: the most that one worker node can take, whatever its tasks do.

Worker: `celery --app benchmarks.naive.bare:celery worker --concurrency 2`
"""

import os

from celery import Celery

celery = Celery("bare", broker=os.environ["BARE_REDIS_URL"])


@celery.task(ignore_result=True)
def nothing(job_id: str) -> None:
    """Do nothing."""
