"""Saving a search, changing it, and running it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, JobSource, JobStatus, Settings, User
from models.errors import TextbackError
from models.saved_search import SavedSearch, Telling
from models.schedule import Schedule, ScheduleError
from tasks.about import about
from tasks.registry import find_kind
from tasks.submission import (
    Submission,
    check_can_be_texted,
    question_of,
    submit,
    uploads_of,
    validate_params,
)

MOST_NAME = 100


class TooManySavedSearchesError(TextbackError):
    """This person has as many saved searches as one may have."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What somebody wants kept.

    Attributes:
        kind: the kind's name.
        params: checked by the kind's Params.
        schedule: when it runs.
        name: what its person calls it; None for what it is about.
        notify: when a run sends a text: `always`, `new` or `never`.
        locale: the language of texts, `en` or `ko`.
        overlap: `skip` or `queue`, see `models.saved_search`.
        missed: `skip` or `once`.
        missed_limit_seconds: how old a missed slot may be to be made up for.
        idempotency_key: the caller's own word for this request.
        request_hash: what came under that key.
    """

    kind: str
    params: Mapping[str, Any]
    schedule: Schedule
    name: str | None = None
    notify: str = Telling.NEW
    locale: str = "en"
    overlap: str = "skip"
    missed: str = "once"
    missed_limit_seconds: int = 6 * 3600
    idempotency_key: str | None = None
    request_hash: bytes | None = field(default=None, repr=False)


def save(session: Session, settings: Settings, owner_id: UUID, saving: Saving) -> SavedSearch:
    """Keep a search, in a transaction of its owner.

    Raises:
        UnknownKindError: names the kinds there are.
        InvalidParamsError: names each field, what is wrong and what would be right.
        TooManySavedSearchesError: there are `saved_searches_per_person` already.
        PhoneNotVerifiedError, TextsOffError, TextsStoppedError: `notify` is `always` and no text
            can be sent; with `new` it is kept, and texts begin once there is a number.
    """
    kind = find_kind(saving.kind)
    params = validate_params(session, kind, saving.params)
    check_schedule(settings, saving.schedule)
    if saving.notify == Telling.ALWAYS:
        check_can_be_texted(session, settings, owner_id)
    # One at a time, so that the limit holds.
    session.get_one(User, owner_id, with_for_update={"key_share": True})
    count = session.scalar(select(func.count()).select_from(SavedSearch)) or 0
    if count >= settings.saved_searches_per_person:
        raise TooManySavedSearchesError(
            f"You have {count} saved searches, which is the most. Delete one first."
        )
    kept = params.model_dump(mode="json")
    search = SavedSearch(
        owner_id=owner_id,
        name=saving.name or name_of(kind.name, kept, saving.locale) or kind.title,
        kind=kind.name,
        params=kept,
        question_hash=question_of(session, kind, params),
        upload_ids=[upload.id for upload in uploads_of(session, params).values() if upload],
        locale=saving.locale,
        notify=saving.notify,
        overlap=saving.overlap,
        missed=saving.missed,
        missed_limit_seconds=saving.missed_limit_seconds,
        idempotency_key=saving.idempotency_key,
        request_hash=saving.request_hash,
    )
    set_schedule(search, saving.schedule, now=database_time(session))
    session.add(search)
    session.flush()
    return search


def set_schedule(search: SavedSearch, schedule: Schedule, *, now: datetime) -> None:
    """Give a search its times; slots before `now` are not made up for."""
    search.cron_lines = list(schedule.cron_lines)
    search.time_zone = schedule.time_zone
    search.starts_at, search.ends_at = schedule.starts_at, schedule.ends_at
    search.plan(now)


def change(
    session: Session,
    settings: Settings,
    search: SavedSearch,
    *,
    schedule: Schedule | None = None,
    **columns: Any,
) -> None:
    """Do what its person wants to a search that is locked and has no slot to be dealt with.

    Args:
        session: a transaction of its person.
        settings: hold the least interval.
        search: what it asks stays.
        schedule: its times; the same ones change nothing, not even what is due next.
        columns: `name`, `notify`, `locale`, `overlap`, `missed` or `missed_limit_seconds`.

    Raises:
        ScheduleError: see `check_schedule`.
        PhoneNotVerifiedError, TextsOffError, TextsStoppedError: as `save`.
    """
    if columns.get("notify") == Telling.ALWAYS != search.notify:
        check_can_be_texted(session, settings, search.owner_id)
    for name, value in columns.items():
        setattr(search, name, value)
    if schedule is not None and schedule != search.known_schedule:
        check_schedule(settings, schedule)
        set_schedule(search, schedule, now=database_time(session))
    search.updated_at = func.clock_timestamp()


def check_schedule(settings: Settings, schedule: Schedule) -> None:
    """Refuse times that are too close to each other, and a schedule that is over.

    Raises:
        ScheduleError: says how close they may be.
    """
    now = datetime.now(UTC)
    if not schedule.next(now):
        raise ScheduleError("schedule.ends_at", "None of its times comes before this end.")
    least = timedelta(minutes=settings.saved_search_interval_minutes)
    gap = schedule.shortest_gap(now)
    if gap < least:
        raise ScheduleError(
            "schedule",
            f"Two of its times are {_minutes(gap)} apart; leave {_minutes(least)} at least.",
        )


def database_time(session: Session) -> datetime:
    """Return what the database's clock shows: no two machines agree on theirs."""
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now


def run_now(session: Session, settings: Settings, search: SavedSearch, **more: Any) -> Job:
    """Begin a run that its person waits for; `more` are fields of Submission.

    Its text goes out at once, unless the search sends none.

    Raises:
        SameQuestionError: a run of it goes on already.
        InvalidParamsError, UnknownKindError: its kind does not take its params any more.
    """
    notify = "none"
    if search.notify != Telling.NEVER and _can_be_texted(session, settings, search.owner_id):
        notify = "sms"
    submission = Submission(
        kind=search.kind,
        params=search.params,
        source=JobSource.MANUAL,
        notify=notify,
        locale=search.locale,
        saved_search_id=search.id,
        force=False,
        **more,
    )
    return submit(session, settings, search.owner_id, submission)


def latest_of(session: Session, kind: str) -> Job | None:
    """Return a person's newest job of a kind that still knows what was asked."""
    return session.scalar(
        select(Job)
        .where(Job.kind == kind, Job.pruned_at.is_(None))
        .order_by(Job.id.desc())
        .limit(1)
    )


def name_of(kind: str, params: dict[str, Any], locale: str) -> str | None:
    """Return what a search is about, in the words of its kind: its name unless it is given one."""
    job = Job(kind=kind, params=params, locale=locale, status=JobStatus.QUEUED, result=None)
    return about(job)


def _can_be_texted(session: Session, settings: Settings, owner_id: UUID) -> bool:
    try:
        check_can_be_texted(session, settings, owner_id)
    except TextbackError:
        return False
    return True


def _minutes(gap: timedelta) -> str:
    minutes = round(gap.total_seconds() / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
