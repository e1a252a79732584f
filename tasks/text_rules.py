"""Whether the text about a job may go out now: what its person, the clock and the caps say."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import Job, JobSource, Notification, Settings, User, record_operator_event
from models.daily_counter import Cap, spend
from models.phone import PhoneKeys
from models.suppression import is_suppressed
from models.text_caps import text_caps
from tasks.quiet_hours import day_began, quiet_until

MOST_SCHEDULED_A_DAY = 3

# The codes of texts that these rules refuse, by the scope of the cap where there is one.
_CAP_CODES = {
    "text_number": "cap_number",
    "text_country": "cap_country",
    "text_total": "cap_total",
}
REFUSALS = ("opted_out", "country_not_allowed", "daily_limit", *_CAP_CODES.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a text. Neither is set: send it.

    Attributes:
        wait_seconds: not before so many seconds have passed.
        refuse: never; the code of why, one of REFUSALS, as kept in `notifications.error_code`.
    """

    wait_seconds: float | None = None
    refuse: str | None = None


def judge(
    session: Session,
    settings: Settings,
    *,
    notification_id: UUID,
    job: Job,
    user: User,
    number: str,
) -> Verdict:
    """Decide about one text, in a worker's transaction, right before it is sent.

    A text counts once, when it is let through for the first time: a second try of it is free.

    Args:
        session: commits what is counted here; the text must not go out before.
        settings: holds the limits.
        notification_id: which text; this worker holds its claim.
        job: what it is about.
        user: who gets it.
        number: theirs in E.164.
    """
    forbidden = _forbidden(session, settings, user)
    if forbidden is not None:
        return Verdict(refuse=forbidden)
    is_scheduled = job.source == JobSource.SCHEDULE
    if is_scheduled:
        now = session.execute(select(func.clock_timestamp())).scalar_one()
        until = quiet_until(now, user.time_zone, settings.quiet_hours)
        if until is not None:
            return Verdict(wait_seconds=(until - now).total_seconds())
    if _is_counted(session, notification_id):
        return Verdict()
    if is_scheduled and _scheduled_today(session, user) >= MOST_SCHEDULED_A_DAY:
        return Verdict(refuse="daily_limit")
    used_up = spend(session, text_caps(settings, PhoneKeys(settings), e164=number))
    if used_up is not None:
        return Verdict(refuse=_report(session, *used_up))
    session.execute(
        update(Notification)
        .where(Notification.id == notification_id)
        .values(counted_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
    return Verdict()


def _forbidden(session: Session, settings: Settings, user: User) -> str | None:
    if user.phone_hash is not None and is_suppressed(session, user.phone_hash):
        return "opted_out"
    return None if settings.may_text(user.phone_country or "") else "country_not_allowed"


def _is_counted(session: Session, notification_id: UUID) -> bool:
    counted_at = session.scalar(
        select(Notification.counted_at).where(Notification.id == notification_id)
    )
    return counted_at is not None


def _scheduled_today(session: Session, user: User) -> int:
    """Return how many texts about scheduled jobs a person got since their midnight.

    Under their lock: what is counted here cannot change before this transaction has ended.
    """
    session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    # Asked under the lock, so that whoever had it before is counted into the same day.
    now = session.execute(select(func.clock_timestamp())).scalar_one()
    return session.execute(
        select(func.count())
        .select_from(Notification)
        .join(Job, Job.id == Notification.job_id)
        .where(
            Notification.owner_id == user.id,
            Notification.counted_at >= day_began(now, user.time_zone),
            Job.source == JobSource.SCHEDULE,
        )
    ).scalar_one()


def _report(session: Session, cap: Cap, times: int) -> str:
    """Tell the operators once a day; of a number they are told nothing but that it was one."""
    if times == 1:
        prefix = {"prefix": cap.key.decode()} if cap.scope == "text_country" else {}
        record_operator_event(session, "cap_hit", cap.scope, most=cap.most, **prefix)
    return _CAP_CODES[cap.scope]
