"""Wake-ups: "this job has changed, look at its row", from any process to every open page."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from models import after_commit
from models.step import Step
from tasks import runtime
from tasks.publishing import publish_together


def wake_on_commit(session: Session | Step, job_id: UUID) -> None:
    """Tell open pages that the job has changed, once the change is durable."""
    after_commit(session, lambda: publish_together(send_wake_ups, job_id))


def wake_person_on_commit(session: Session | Step, owner_id: UUID) -> None:
    """Tell every open page of a person that a job of theirs was made, has begun or has ended, once
    that is durable.
    """
    after_commit(session, lambda: publish_together(send_to_people, owner_id))


def send_wake_ups(job_ids: Collection[UUID]) -> None:
    """Publish to every web process."""
    _publish(runtime.WAKE_CHANNEL, job_ids)


def send_to_people(owner_ids: Collection[UUID]) -> None:
    """Publish to every web process."""
    _publish(runtime.PERSON_CHANNEL, owner_ids)


def _publish(channel: str, ids: Collection[UUID]) -> None:
    with runtime.redis_client().pipeline(transaction=False) as pipeline:
        for one in ids:
            pipeline.publish(channel, str(one))
        pipeline.execute()
