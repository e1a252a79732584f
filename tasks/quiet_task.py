"""What all tasks have in common: of an error nobody foresaw only its name leaves the process."""

from __future__ import annotations

import logging
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task
from celery.exceptions import TaskPredicate

from models.errors import TextbackError
from tasks.errors import TaskBrokeError

log = logging.getLogger(__name__)


class QuietTask(Task):
    """Celery sends words and traceback of an error through Redis to Flower, and keeps them.

    They may hold a person's number, or the address of a text. The log, which is masked, has them.
    """

    abstract = True

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        """Do the task."""
        try:
            return self.run(*arguments, **more)
        except TextbackError as error:
            # Our own words, without those of what it came from.
            raise error from None
        except (TaskPredicate, SoftTimeLimitExceeded):
            raise
        except Exception as error:
            log.exception("task broke name=%s", self.name)
            raise TaskBrokeError(f"{type(error).__name__}; the worker's log says more") from None
