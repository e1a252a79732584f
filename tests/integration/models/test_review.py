"""What a person decides about a text of which nobody knows whether it went out."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from cast import Person
from factories import claim_job, make_job
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Database, Notification, NotificationClaim, OperatorEvent, Settings
from models.review import give_up, mark_sent, send_again

Verb = Callable[[Session, UUID], UUID | None]


@pytest.fixture
def held(database: Database, settings: Settings, person_a: Person) -> UUID:
    """A text that needs a decision."""
    return make_text(database, settings, person_a, "needs_review")


def make_text(database: Database, settings: Settings, person: Person, status: str) -> UUID:
    """Make a text in some state."""
    job_id = make_job(database, settings, person.id)
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    with database.operator() as session:
        row = Notification(
            job_id=job_id,
            owner_id=person.id,
            purpose="job_ended",
            status=status,
            attempts=1,
            looks=2,
            resends=1,
        )
        session.add(row)
        session.flush()
        return row.id


@pytest.mark.parametrize(
    ("verb", "status"), [(mark_sent, "sent"), (give_up, "failed"), (send_again, "queued")]
)
def test_a_decision_is_kept_once(database: Database, held: UUID, verb: Verb, status: str) -> None:
    with database.operator() as session:
        job_id = verb(session, held)
    with database.operator() as session:
        row = session.get_one(Notification, held)
        told = session.scalars(
            select(OperatorEvent.detail).where(OperatorEvent.subject == str(held))
        ).all()
    assert (row.job_id, row.status) == (job_id, status)
    assert (row.sent_at is not None) == (status == "sent")
    assert told == [{"now": status}]
    for other in (mark_sent, give_up, send_again):
        with database.operator() as session:
            assert other(session, held) is None


def test_what_is_sent_again_can_be_claimed(database: Database, held: UUID) -> None:
    """It counts as a resend, and begins with no looks."""
    with database.operator() as session:
        send_again(session, held)
    with database.worker() as session:
        claim = NotificationClaim.take(
            session, held, holder="a/1/1/1", callback_hash=held.bytes, lease_seconds=30
        )
    assert claim is not None
    with database.operator() as session:
        row = session.get_one(Notification, held)
    assert (row.resends, row.looks, row.guarded_at) == (2, 0, None)


@pytest.mark.parametrize("status", ["queued", "sending", "unknown", "sent", "delivered", "failed"])
def test_only_what_waits_for_a_decision_is_decided(
    database: Database, settings: Settings, person_a: Person, status: str
) -> None:
    text_id = make_text(database, settings, person_a, status)
    for verb in (mark_sent, give_up, send_again):
        with database.operator() as session:
            assert verb(session, text_id) is None
    with database.operator() as session:
        assert session.get_one(Notification, text_id).status == status
