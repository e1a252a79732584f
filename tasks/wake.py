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
    _publish_on_commit(session, runtime.WAKE_CHANNEL, job_id)


def wake_person_on_commit(session: Session | Step, owner_id: UUID) -> None:
    """Tell every open page of a person that a job of theirs was made, has begun or has ended, once
    that is durable.
    """
    _publish_on_commit(session, runtime.PERSON_CHANNEL, owner_id)


def _publish_on_commit(session: Session | Step, channel: str, one: UUID) -> None:
    after_commit(session, lambda: publish_together(_send, (channel, one)))


def _send(wake_ups: Collection[tuple[str, UUID]]) -> None:
    """Publish to every web process, all in one message to Redis."""
    with runtime.redis_client().pipeline(transaction=False) as pipeline:
        for channel, one in wake_ups:
            pipeline.publish(channel, str(one))
        pipeline.execute()
