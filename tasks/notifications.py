"""The Celery task that sends one text message about a job."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from models import (
    Job,
    JobSource,
    JobStatus,
    NotificationClaim,
    NotificationStatus,
    ResultLink,
    SavedSearch,
    Settings,
    User,
    record_operator_event,
)
from models.callback import callback_hash, callback_url
from models.errors import StaleFenceError
from models.phone import PhoneKeyError, PhoneKeys
from models.saved_search import MOST_FAILURES, PauseReason
from models.suppression import SuppressionReason, suppress
from tasks import runtime
from tasks.app import celery_app
from tasks.providers.sms import sms_provider
from tasks.providers.sms.base import Outcome, SmsError, SmsProvider
from tasks.runner import retry_delay_seconds
from tasks.segments import segments
from tasks.sender import Sender, sender
from tasks.text_errors import Then, action_for
from tasks.text_rules import judge
from tasks.texts import compose_text
from tasks.wake import wake_on_commit

log = logging.getLogger(__name__)

# Codes of ours that an operator has to do something about.
_OUR_FAULT = ("not_composed_", "phone_unreadable")


@dataclass(frozen=True, slots=True)
class Message:
    """One text, ready to go."""

    to: str
    body: str
    country: str | None


@dataclass(frozen=True, slots=True)
class Postponed:
    """It is not to go now: for so many seconds, or never for the reason of this code."""

    seconds: float | None = None
    code: str | None = None


@celery_app.task(name="notification.deliver_text")
def deliver_text(notification_id: str) -> str:
    """Send one text, once.

    1. Claim its row and commit, so that nobody else sends it, whatever happens to us.
    2. Ask whether it may go now, and write it.
    3. Pass the guard, on the session whose lock proves that we live.
    4. Hand it to the provider, outside any transaction.
    5. Record the answer. What cannot be known is looked for, never sent again blindly.
    """
    settings = runtime.settings()
    provider = sms_provider(settings)
    me = sender(settings)
    try:
        name = me.name()
    except psycopg.OperationalError as error:
        log.warning("text not claimed, Postgres is away: %s", type(error).__name__)
        return "Postgres is away"
    with runtime.database().worker() as session:
        claim = NotificationClaim.take(
            session,
            UUID(notification_id),
            holder=name,
            callback_hash=callback_hash(settings, UUID(notification_id)),
            lease_seconds=settings.text_lease_seconds,
            provider=None if provider is None else provider.name,
        )
    if claim is None:
        return "nothing to send"
    try:
        if provider is None:
            return _record(claim, NotificationStatus.FAILED, error_code="texts_off")
        return _send(claim, provider, me, settings)
    except StaleFenceError:
        # A callback was quicker than the answer, or somebody else decides about this text now.
        return "settled meanwhile"


def _send(claim: NotificationClaim, provider: SmsProvider, me: Sender, settings: Settings) -> str:
    try:
        message = _compose(claim, settings)
        if isinstance(message, Postponed):
            return _postpone(claim, message)
        if not me.guard(claim):
            return _record(claim, NotificationStatus.QUEUED, counts=False)
        sent = provider.send(
            to=message.to, body=message.body, callback=callback_url(settings, claim.id, claim.fence)
        )
    except SmsError as error:
        log.warning("text not sent notification_id=%s code=%s", claim.id, error.code)
        return _record_failure(claim, error, provider.name, settings)
    return _record(
        claim,
        NotificationStatus.SENT,
        provider=provider.name,
        provider_sid=sent.sid,
        segments=sent.segments or segments(message.body, message.country).count,
    )


def _compose(claim: NotificationClaim, settings: Settings) -> Message | Postponed:
    """Return what to send, or that it is not to be sent now.

    Raises:
        SmsError: not sent, and for good unless only the database was away: a text that cannot be
            made must not come back for ever.
    """
    try:
        with runtime.database().worker() as session:
            message = _read_message(session, claim, settings)
    except (OperationalError, PoolTimeoutError) as error:
        raise _not_composed("database_away", permanent=False) from error
    except PhoneKeyError as error:
        log.error("text not composed notification_id=%s: %s", claim.id, error)  # noqa: TRY400
        raise _not_composed("phone_unreadable") from None
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
) -> Message | Postponed | None:
    """Return the text, or None when the person has no verified number any more."""
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
    verdict = judge(session, settings, notification_id=claim.id, job=job, user=user, number=number)
    if verdict.refuse is not None:
        return Postponed(code=verdict.refuse)
    if verdict.wait_seconds is not None:
        return Postponed(seconds=verdict.wait_seconds)
    search = session.get(SavedSearch, job.saved_search_id) if job.saved_search_id else None
    body = compose_text(
        job,
        link.url(settings),
        user.phone_country,
        is_first=job.new_count is None and search is not None and search.baseline_at is not None,
        is_paused=search is not None and _is_paused(job, search),
    )
    return Message(number, body, user.phone_country)


def _is_paused(job: Job, search: SavedSearch) -> bool:
    """Whether a failure was one too many for the saved search that it was a run of."""
    if job.status != JobStatus.FAILED:
        return False
    # The sweep that counts this one may be a moment later.
    is_last = job.source == JobSource.SCHEDULE and search.failures_in_a_row == MOST_FAILURES - 1
    return search.pause_reason == PauseReason.FAILURES or (not search.is_paused and is_last)


def _postpone(claim: NotificationClaim, postponed: Postponed) -> str:
    if postponed.code is not None:
        return _record(claim, NotificationStatus.FAILED, error_code=postponed.code)
    return _record(claim, NotificationStatus.QUEUED, delay_seconds=postponed.seconds, counts=False)


def _record_failure(
    claim: NotificationClaim, error: SmsError, provider: str, settings: Settings
) -> str:
    first_look, _ = settings.look_seconds
    if error.outcome is Outcome.UNKNOWN:
        return _record(
            claim,
            NotificationStatus.UNKNOWN,
            provider=provider,
            error_code=error.code,
            delay_seconds=first_look,
        )
    if not error.permanent:
        return _try_again(claim, error)
    # Our codes are words, a provider's are numbers; of these there may be some that nobody knows.
    action = action_for(error.code)
    to_a_person = error.permanent and error.code.isdigit() and action.then is Then.REVIEW
    status = NotificationStatus.NEEDS_REVIEW if to_a_person else NotificationStatus.FAILED
    with runtime.database().worker() as session:
        claim.record(session, status, provider=provider, error_code=error.code)
        wake_on_commit(session, claim.job_id)
        if error.code.isdigit() and action.alert:
            record_operator_event(session, "text_refused", str(claim.id), code=error.code)
        elif error.code.startswith(_OUR_FAULT):
            record_operator_event(session, "text_not_made", str(claim.id), code=error.code)
        if action.opted_out:
            _opt_out(session, claim)
    return str(status)


def _try_again(claim: NotificationClaim, error: SmsError) -> str:
    """Have a text that surely did not go out tried again, for as long as its link opens something.

    Carriers and networks are away for hours; a job's one text must not be lost to that.
    """
    delay = max(error.retry_after_seconds or 0, retry_delay_seconds(claim.attempts))
    with runtime.database().worker() as session:
        is_open = session.scalar(
            select(Job.expires_at > func.clock_timestamp() + timedelta(seconds=delay)).where(
                Job.id == claim.job_id
            )
        )
        status = NotificationStatus.QUEUED if is_open else NotificationStatus.FAILED
        claim.record(
            session, status, error_code=error.code, delay_seconds=delay if is_open else None
        )
        wake_on_commit(session, claim.job_id)
        if not is_open:
            record_operator_event(session, "text_given_up", str(claim.id), code=error.code)
    return str(status)


def _opt_out(session: Session, claim: NotificationClaim) -> None:
    """Keep what the provider knows already: this number wants no texts."""
    phone_hash = session.scalar(select(User.phone_hash).where(User.id == claim.owner_id))
    if phone_hash is not None:
        suppress(session, phone_hash, SuppressionReason.CARRIER)


def _record(claim: NotificationClaim, status: NotificationStatus, **columns: object) -> str:
    with runtime.database().worker() as session:
        claim.record(session, status, **columns)  # type: ignore[arg-type]
        wake_on_commit(session, claim.job_id)
    return str(status)
