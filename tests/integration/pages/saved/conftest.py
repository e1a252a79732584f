"""People who have searched, and saved what they searched for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import close_app
from factories import early_in_a_minute, read_occurrences
from flask import Flask
from posting_answers import end_with, make_answer, make_posting
from saved_steps import keep, kept

from models import Database, Settings
from tasks.enqueueing import enqueue_due
from webapp import create_app

Visit = Callable[..., Any]
FORM = "/search/posting_search"


@pytest.fixture(autouse=True)
def none_saved(owner_connection: psycopg.Connection) -> None:
    """Begin without what others saved."""
    owner_connection.execute("delete from saved_searches")


@pytest.fixture
def owner_of(owner_connection: psycopg.Connection) -> Callable[[UUID], UUID]:
    """Tell whose a job is."""

    def look(job: UUID) -> UUID:
        row = owner_connection.execute("select owner_id from jobs where id = %s", (job,)).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    return look


@pytest.fixture
def searched(visit: Visit, database: Database) -> Callable[..., tuple[Any, UUID]]:
    """Come from Seoul, and have searched for bakers."""

    def come(person: Any = None, zone: str = "Asia/Seoul", **more: Any) -> tuple[Any, UUID]:
        person = person or visit(**more)
        answer = person.press(FORM, FORM, job_title="Baker", location="Seoul")
        job = UUID(answer.headers["Location"].rsplit("/", 1)[1].partition("?")[0])
        end_with(database, job, make_answer(make_posting("Baker"), make_posting("Baker at night")))
        person.press("/account", "/account/time-zone", time_zone=zone)
        return person, job

    return come


@pytest.fixture
def saved(searched: Any, owner_of: Callable[[UUID], UUID]) -> Callable[..., tuple[Any, UUID, UUID]]:
    """Come and keep a search fresh; returns who, what was saved, and their id."""

    def come(**fields: Any) -> tuple[Any, UUID, UUID]:
        person, job = searched(fields.pop("person", None))
        return person, kept(keep(person, job, **fields)), owner_of(job)

    return come


@pytest.fixture
def without_texts(settings: Settings) -> Iterator[Flask]:
    """The application on a server that sends no texts."""
    app = create_app(settings.model_copy(update={"sms_provider": "none"}))
    yield app
    close_app(app)


@pytest.fixture
def row(owner_connection: psycopg.Connection) -> Callable[..., Any]:
    """Read columns of a saved search from behind the policies."""

    def read(saved_id: UUID, columns: str) -> Any:
        return owner_connection.execute(
            f"select {columns} from saved_searches where id = %s", (saved_id,)
        ).fetchone()

    return read


@pytest.fixture
def come_due(
    database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> Callable[[UUID, UUID], UUID | None]:
    """Let a time of a saved search come, and return the job it became."""

    def come(owner: UUID, saved_id: UUID) -> UUID | None:
        owner_connection.execute(
            # The newest goes to a day that no other was moved to.
            "with past as (select max(slot_local) as newest, count(*) as slots"
            " from occurrences where saved_search_id = %(id)s)"
            " update occurrences set slot_local = slot_local - past.slots * interval '1 day'"
            " from past where saved_search_id = %(id)s and slot_local = past.newest",
            {"id": saved_id},
        )
        early_in_a_minute()  # so that no second time comes meanwhile
        owner_connection.execute(
            "update saved_searches set cron_lines = '{* * * * *}', next_slot_at = now(),"
            " planned_until = now() - interval '1 minute' where id = %s",
            (saved_id,),
        )
        enqueue_due(database, settings.model_copy(update={"spread_seconds": 0}), seconds=10)
        return read_occurrences(database, owner, saved_id)[-1].job_id

    return come
