"""Rows with sensible defaults; a test names only what it is about."""

from __future__ import annotations

import itertools
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from models import Claim, Database, Job, JobSource, Settings, User
from models.occurrence import Occurrence, occurrences_page
from models.phone import PhoneKeys, PhoneNumber
from models.schedule import Schedule
from tasks.saved_searches import Saving, save
from tasks.submission import Submission, submit


def make_job(
    database: Database,
    settings: Settings,
    owner_id: UUID,
    *,
    kind: str = "count_slowly",
    params: dict[str, Any] | None = None,
    **more: Any,
) -> UUID:
    """Submit a job as its owner would, and return its id."""
    submission = Submission(kind=kind, params=params or {}, source=JobSource.API, **more)
    with database.owner(owner_id) as session:
        return submit(session, settings, owner_id, submission).id


def claim_job(
    database: Database, job_id: UUID, *, lease_seconds: float = 30, most_running: int = 100
) -> Claim:
    """Take a job as a worker would."""
    with database.worker() as session:
        claim = Claim.take(
            session,
            job_id,
            worker="a worker",
            lease_seconds=lease_seconds,
            most_running=most_running,
        )
    assert claim is not None
    return claim


def read_job(database: Database, owner_id: UUID, job_id: UUID) -> Job:
    """Return the row as its owner sees it, with the result loaded."""
    with database.owner(owner_id) as session:
        job = session.get_one(Job, job_id)
        _ = job.result, job.checkpoint
        return job


# Texts are told apart by the last digits of their numbers, and some tests type 010-1234-5678.
_numbers = filter(
    lambda number: number % 10_000 != 5678, itertools.count(int.from_bytes(os.urandom(3)))
)


def new_number() -> str:
    """Return a valid Korean mobile number in E.164 that no other test has."""
    return f"+8210{20_000_000 + next(_numbers) % 70_000_000:08}"


def as_typed(number: str) -> str:
    """Return a Korean number as people write it there."""
    return f"0{number[3:5]}-{number[5:9]}-{number[9:]}"


def give_phone(
    database: Database, settings: Settings, owner_id: UUID, number: str | None = None
) -> str:
    """Give a person a verified number, and return it in E.164."""
    number = number or new_number()
    with database.owner(owner_id) as session:
        user = session.get_one(User, owner_id)
        user.set_phone(PhoneNumber.parse(number), PhoneKeys(settings))
        user.phone_verified_at = datetime.now(UTC)
    return number


def make_search(
    database: Database,
    settings: Settings,
    owner_id: UUID,
    *,
    due: datetime | None = None,
    cron: str | tuple[str, ...] = "0 * * * *",
    time_zone: str = "UTC",
    kind: str = "count_slowly",
    params: dict[str, Any] | None = None,
    **more: Any,
) -> UUID:
    """Save a search as its owner would, and return its id.

    With `due` its slots after that moment have not been dealt with yet.
    """
    lines = (cron,) if isinstance(cron, str) else cron
    saving = Saving(kind, params or {}, Schedule(lines, time_zone), **more)
    relaxed = settings.model_copy(
        update={"saved_search_interval_minutes": 1, "saved_searches_per_person": 1000}
    )
    with database.owner(owner_id) as session:
        search = save(session, relaxed, owner_id, saving)
        if due is not None:
            search.plan(due)
        return search.id


def read_occurrences(database: Database, owner_id: UUID, search_id: UUID) -> list[Occurrence]:
    """Return what came of a search's slots, oldest first."""
    with database.owner(owner_id) as session:
        return occurrences_page(session, search_id, limit=1000)[::-1]


def early_in_a_minute() -> datetime:
    """Return the time; what came with this minute is dealt with before it is a minute late."""
    now = datetime.now(UTC)
    if now.second >= 50:
        time.sleep(60 - now.second)
    return datetime.now(UTC)


def just_now() -> dict[str, Any]:
    """Return times of which one has just come and no other will for a day."""
    minute = early_in_a_minute().replace(second=0, microsecond=0)
    return {
        "cron": f"{minute.minute} {minute.hour} * * *",
        "due": minute - timedelta(seconds=1),
    }


def come_again(connection: psycopg.Connection, search_id: UUID | None = None) -> None:
    """Have the newest slot that was dealt with be one of days ago, and come today again."""
    one = "" if search_id is None else f" where saved_search_id = '{search_id}'"
    connection.execute(
        # Each goes to a day that no other was moved to.
        "with past as (select saved_search_id, max(slot_local) as newest, max(due_at) as due_at,"
        f" count(*) * interval '1 day' as days from occurrences{one} group by 1), moved as ("
        " update occurrences as one set slot_local = slot_local - past.days,"
        " due_at = one.due_at - past.days from past"
        " where one.saved_search_id = past.saved_search_id and slot_local = past.newest)"
        " update saved_searches set next_slot_at = now(),"
        " planned_until = past.due_at - interval '1 second' from past"
        " where id = past.saved_search_id and paused_at is null"
    )
