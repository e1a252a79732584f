"""The Celery task that sends one text message."""

from __future__ import annotations

import logging
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models import (
    Job,
    NotificationClaim,
    NotificationStatus,
    ResultLink,
    Settings,
    User,
)
from models.phone import PhoneKeys
from tasks import runtime
from tasks.app import celery_app
from tasks.providers.sms import sms_provider
from tasks.providers.sms.base import Outcome, SmsError
from tasks.runner import retry_delay_seconds
from tasks.texts import compose_text
from tasks.wake import wake_on_commit

log = logging.getLogger(__name__)

# Longer than the provider's own time-out, so that a slow answer is still ours to record.
LEASE_SECONDS = 60.0
MOST_ATTEMPTS = 5


@celery_app.task(name="notification.deliver_text")
def deliver_text(notification_id: str) -> str:
    """Send one text, once.

    1. Claim its row and commit, so that nobody else sends it, whatever happens to us.
    2. Hand it to the provider outside any transaction.
    3. Record the answer. What cannot be known is held, not sent again.
    """
    with runtime.database().worker() as session:
        claim = NotificationClaim.take(session, UUID(notification_id), lease_seconds=LEASE_SECONDS)
    if claim is None:
        return "nothing to send"
    provider = sms_provider(runtime.settings())
    if provider is None:
        return _record(claim, NotificationStatus.FAILED, error_code="texts_off")
    try:
        to, body = _compose(claim)
        sent = provider.send(to=to, body=body)
    except SmsError as error:
        log.warning("text not sent notification_id=%s code=%s", claim.id, error.code)
        return _record_failure(claim, error, provider.name)
    return _record(
        claim,
        NotificationStatus.SENT,
        provider=provider.name,
        provider_sid=sent.sid,
        segments=sent.segments,
    )


def _compose(claim: NotificationClaim) -> tuple[str, str]:
    """Return (number, words).

    Raises:
        SmsError: not sent, and for good unless only the database was away: a text that cannot be
            made must not come back for ever.
    """
    try:
        with runtime.database().worker() as session:
            message = _read_message(session, claim, runtime.settings())
    except OperationalError as error:
        raise _not_composed("database_away", permanent=False) from error
    except Exception as error:
        log.exception("text not composed notification_id=%s", claim.id)
        raise _not_composed(f"not_composed_{type(error).__name__}") from error
    if message is None:
        raise _not_composed("no_recipient")
    return message


def _not_composed(code: str, *, permanent: bool = True) -> SmsError:
    return SmsError(
        "The text could not be made.", outcome=Outcome.NOT_SENT, permanent=permanent, code=code
    )


def _read_message(
    session: Session, claim: NotificationClaim, settings: Settings
) -> tuple[str, str] | None:
    """Return (number, words), or None when the person has no verified number any more."""
    job = session.get_one(Job, claim.job_id)
    user = session.get_one(User, job.owner_id)
    link = session.scalar(
        select(ResultLink).where(
            ResultLink.job_id == job.id,
            ResultLink.purpose == "text",
            ResultLink.revoked_at.is_(None),
        )
    )
    number = user.phone(PhoneKeys(settings)) if user.has_verified_phone else None
    if number is None or link is None:
        return None
    return number, compose_text(job, link.url(settings))


def _record_failure(claim: NotificationClaim, error: SmsError, provider: str) -> str:
    if error.outcome is Outcome.UNKNOWN:
        return _record(claim, NotificationStatus.UNKNOWN, provider=provider, error_code=error.code)
    if error.permanent or claim.attempts >= MOST_ATTEMPTS:
        return _record(claim, NotificationStatus.FAILED, provider=provider, error_code=error.code)
    return _record(
        claim,
        NotificationStatus.QUEUED,
        provider=provider,
        error_code=error.code,
        delay_seconds=retry_delay_seconds(claim.attempts),
    )


def _record(claim: NotificationClaim, status: NotificationStatus, **columns: object) -> str:
    with runtime.database().worker() as session:
        claim.record(session, status, **columns)  # type: ignore[arg-type]
        wake_on_commit(session, claim.job_id)
    return str(status)
