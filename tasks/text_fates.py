"""The Celery tasks that find out what became of texts: one by one, and once a day all together."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Notification,
    NotificationStatus,
    ResultLink,
    Settings,
    TextToForget,
    User,
    record_operator_event,
)
from models.phone import PhoneKeys
from models.result_link import hash_token, link_token
from models.text_look import TextLook
from tasks import runtime
from tasks.app import celery_app
from tasks.providers.sms import sms_provider
from tasks.providers.sms.base import SmsError
from tasks.sender import Holder
from tasks.wake import wake_on_commit

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 60.0
# What is compared each day: a little more than a day, and nothing that may still be under way.
AUDITED = timedelta(hours=26)
UNDER_WAY = timedelta(minutes=30)
FORGET_BATCH = 100
FORGET_AGAIN_SECONDS = 600.0


@celery_app.task(name="notification.look_for_text")
def look_for_text(notification_id: str) -> str:
    """Look for a text that may have been sent, and decide.

    Found: it was sent. Absent: once more later. Absent twice: sent again, once, if its sender is
    proven dead or has said itself that its request is over; else a person decides.
    """
    settings = runtime.settings()
    provider = sms_provider(settings)
    with runtime.database().worker() as session:
        look = TextLook.due(session, UUID(notification_id))
        about = None if look is None else _about(session, look, settings)
    if look is None:
        return "nothing to look for"
    if provider is None or about is None:
        return _settle(look, "hold")
    to, token = about
    try:
        found = provider.find(to=to, contains=token, but=look.lost_sids or ())
    except SmsError as error:
        log.warning("text not looked for notification_id=%s code=%s", look.id, error.code)
        return _settle(look, "not_seen", settings)
    if found is not None:
        with runtime.database().worker() as session:
            if look.found(session, found.sid, found.segments):
                wake_on_commit(session, look.job_id)
        return "it went out"
    if not look.is_last:
        return _settle(look, "absent", settings)
    return _decide(look)


def may_send_again(session: Session, look: TextLook) -> bool:
    """Whether it is proven that the first request is over and no second was made."""
    if look.resends > 0:
        return False
    return look.holder is None or Holder.parse(look.holder).is_dead(session)


def _decide(look: TextLook) -> str:
    with runtime.database().worker() as session:
        again = may_send_again(session, look)
    return _settle(look, "send_again" if again else "hold")


def _settle(look: TextLook, what: str, settings: Settings | None = None) -> str:
    with runtime.database().worker() as session:
        if what == "absent":
            assert settings is not None  # noqa: S101
            first, second = settings.look_seconds
            settled = look.absent(session, next_look_seconds=max(1.0, second - first))
        elif what == "not_seen":
            settled = look.not_seen(session, next_look_seconds=ASK_AGAIN_SECONDS)
        elif what == "send_again":
            settled = look.send_again(session)
        else:
            settled = look.hold(session)
            if settled:
                record_operator_event(session, "text_needs_review", str(look.id))
        if settled:
            wake_on_commit(session, look.job_id)
    return what


def _about(session: Session, look: TextLook, settings: Settings) -> tuple[str, str] | None:
    """Return (number, token of the link) of a text; None when that is not known any more."""
    user = session.get(User, look.owner_id)
    link_id = session.scalar(
        select(ResultLink.id).where(ResultLink.job_id == look.job_id, ResultLink.purpose == "text")
    )
    if user is None or _has_another_number(user, look):
        return None
    number = user.phone(PhoneKeys(settings))
    if number is None or link_id is None:
        return None
    return number, link_token(settings, link_id)


def _has_another_number(user: User, look: TextLook) -> bool:
    """Whether it went to a number we do not know any more: looking at the new one says nothing."""
    return (
        user.phone_verified_at is not None
        and look.guarded_at is not None
        and user.phone_verified_at > look.guarded_at
    )


@celery_app.task(name="notification.audit_texts", send_events=False)
def audit_texts() -> str:
    """Compare what we have down as sent with the provider's own list, both ways, once a day."""
    settings = runtime.settings()
    provider = sms_provider(settings)
    if provider is None:
        return "no texts are sent here"
    now = datetime.now(UTC)
    since, until = now - AUDITED, now - UNDER_WAY
    with runtime.database().operator() as session:
        ours = dict(
            session.execute(
                select(Notification.provider_sid, Notification.id).where(
                    Notification.sent_at.between(since, until),
                    Notification.provider == provider.name,
                    Notification.provider_sid.is_not(None),
                )
            ).all()
        )
    link = re.compile(re.escape(settings.base_url) + r"/r/([\w-]{22})")
    theirs: set[str] = set()
    unknown: list[str] = []
    # Theirs from further back: a text may have been sent before it was put down here.
    for text in provider.since(since - UNDER_WAY):
        theirs.add(text.sid)
        token = link.search(text.body)
        if token and text.sid not in ours and not _is_ours(text.sid, token[1]):
            unknown.append(text.sid)
    missing = [str(ours[sid]) for sid in ours.keys() - theirs]
    with runtime.database().operator() as session:
        if missing:
            record_operator_event(
                session, "texts_missing_at_provider", None, count=len(missing), some=missing[:10]
            )
        if unknown:
            record_operator_event(
                session, "texts_unknown_here", None, count=len(unknown), some=unknown[:10]
            )
    return f"{len(ours)} here, {len(missing)} missing there, {len(unknown)} unknown here"


def _is_ours(sid: str, token: str) -> bool:
    """Whether a text is known by its id, or by a link that has not been pruned and is another's."""
    with runtime.database().operator() as session:
        known = session.scalar(select(Notification.id).where(Notification.provider_sid == sid))
        if known is not None:
            return True
        job_id = session.scalar(
            select(ResultLink.job_id).where(ResultLink.token_hash == hash_token(token))
        )
        # Of a job that is gone nothing is known any more, and nothing can be wrong with it.
        return job_id is None or (
            session.scalar(
                select(Notification.id).where(
                    Notification.job_id == job_id,
                    Notification.provider_sid.is_(None),
                    Notification.status.in_(
                        (NotificationStatus.SENDING, NotificationStatus.UNKNOWN)
                    ),
                )
            )
            is not None
        )


@celery_app.task(name="notification.forget_texts", send_events=False)
def forget_texts() -> int:
    """Ask the provider to delete texts of what was erased; what fails is asked for again later."""
    provider = sms_provider(runtime.settings())
    if provider is None:
        return 0
    with runtime.database().operator() as session:
        due = session.execute(
            select(TextToForget.provider_sid)
            .where(
                TextToForget.provider == provider.name,
                TextToForget.not_before <= datetime.now(UTC),
            )
            .limit(FORGET_BATCH)
        ).scalars()
        sids = list(due)
    for sid in sids:
        try:
            provider.forget(sid)
            done = True
        except SmsError as error:
            log.warning("text not forgotten yet code=%s", error.code)
            done = False
        with runtime.database().operator() as session:
            row = session.get(TextToForget, (provider.name, sid))
            if row is not None and done:
                session.delete(row)
            elif row is not None:
                row.attempts += 1
                wait = min(FORGET_AGAIN_SECONDS * 2**row.attempts, 86_400.0)
                row.not_before = datetime.now(UTC) + timedelta(seconds=wait)
    return len(sids)
