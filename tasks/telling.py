"""Who hears of the end of an attempt, once it is durable."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from models import Ended
from models.step import Step
from tasks.dispatch import hint_on_commit, notify_on_commit
from tasks.wake import wake_on_commit, wake_person_on_commit


def tell_on_commit(session: Session | Step, job_id: UUID, ended: Ended) -> None:
    """Tell the pages of the job and of its person, the sender of its text, and a worker of the job
    that takes its slot.
    """
    wake_on_commit(session, job_id)
    wake_person_on_commit(session, ended.owner_id)
    if ended.notification_id is not None:
        notify_on_commit(session, ended.notification_id)
    hint_on_commit(session, ended.next)
