"""Deleting one search: asked once more, and then nothing of it is left for anybody."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from factories import claim_job
from processes import wait_for
from sqlalchemy import update

from models import Database, Job, JobSource, Notification, Settings
from tasks.deletion import delete
from tasks.submission import Submission, submit

Visit = Callable[..., Any]


def rows_about(connection: psycopg.Connection, job: UUID) -> dict[str, int]:
    """Count what is kept of a job, its photo included."""
    counts = {}
    for name, sql in {
        "jobs": "select count(*) from jobs where id = %s",
        "events": "select count(*) from job_events where job_id = %s",
        "links": "select count(*) from result_links where job_id = %s",
        "texts": "select count(*) from notifications where job_id = %s",
    }.items():
        row = connection.execute(sql, (job,)).fetchone()
        assert row is not None
        counts[name] = row[0]
    return counts


def photos_of(connection: psycopg.Connection, job: UUID) -> set[UUID]:
    """Return the photos of whoever owns a job."""
    rows = connection.execute(
        "select id from uploads where owner_id = (select owner_id from jobs where id = %s)", (job,)
    )
    return {row[0] for row in rows}


def are_there(connection: psycopg.Connection, photos: set[UUID]) -> int:
    """Count those of these photos, and of their pieces, that are still kept."""
    row = connection.execute(
        "select (select count(*) from uploads where id = any(%(ids)s))"
        " + (select count(*) from upload_chunks where upload_id = any(%(ids)s))",
        {"ids": list(photos)},
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_all_of_a_search_goes_after_one_more_question(
    texted: Visit,
    files: Path,
    work: Callable[[UUID], None],
    database: Database,
    owner_connection: psycopg.Connection,
) -> None:
    """Row, events, photo, both links and the text; whoever carried it is asked to delete it."""
    person = texted()
    job = person.search(files / "coffee.jpg", text_me="yes")
    work(job)
    sid = f"SM{uuid4().hex}"
    with database.operator() as session:
        session.execute(
            update(Notification)
            .where(Notification.job_id == job)
            .values(status="delivered", provider="twilio", provider_sid=sid)
        )
    person.press(f"/jobs/{job}", f"/jobs/{job}/links")
    shared = re.search(r'value="[^"]*(/r/[\w-]+)"', person.get(f"/jobs/{job}").text)
    assert shared is not None
    photos = photos_of(owner_connection, job)
    assert person.get(shared[1]).status_code == 200
    assert all(rows_about(owner_connection, job).values()) and are_there(owner_connection, photos)

    asked = person.get(f"/jobs/{job}/deletion")
    assert "Delete this search?" in asked.text
    assert rows_about(owner_connection, job)["jobs"] == 1, "asking deletes nothing"
    answer = person.press(f"/jobs/{job}/deletion", f"/jobs/{job}/deletion")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs?deleted")
    assert "It is deleted." in person.get("/jobs?deleted").text
    assert not any(rows_about(owner_connection, job).values())
    assert not are_there(owner_connection, photos)
    for gone in (f"/jobs/{job}", shared[1], f"/jobs/{job}/deletion"):
        assert person.get(gone).status_code == 404
    forgotten = owner_connection.execute(
        "select count(*) from texts_to_forget where provider_sid = %s", (sid,)
    ).fetchone()
    assert forgotten == (1,)


def test_a_photo_stays_for_the_search_that_repeats_it(
    visit: Visit,
    files: Path,
    work: Callable[[UUID], None],
    owner_connection: psycopg.Connection,
) -> None:
    """It goes with the last search that is about it."""
    person = visit()
    first = person.search(files / "coffee.jpg")
    work(first)
    answer = person.press(f"/jobs/{first}", f"/jobs/{first}/reruns")
    second = UUID(answer.headers["Location"].rsplit("/", 1)[1])
    work(second)
    photos = photos_of(owner_connection, first)
    person.press(f"/jobs/{first}/deletion", f"/jobs/{first}/deletion")
    assert are_there(owner_connection, photos)
    assert person.get(f"/photos/{next(iter(photos))}").status_code == 200
    person.press(f"/jobs/{second}/deletion", f"/jobs/{second}/deletion")
    assert not are_there(owner_connection, photos)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_search_that_has_not_ended_is_not_deleted(
    visit: Visit,
    files: Path,
    database: Database,
    owner_connection: psycopg.Connection,
    state: str,
) -> None:
    """Its page, where it can be cancelled, is shown instead."""
    person = visit()
    job = person.search(files / "coffee.jpg")
    form = person.fields(f"/jobs/{job}", f"/jobs/{job}/cancellation")
    if state == "running":
        claim_job(database, job)
    assert person.get(f"/jobs/{job}/deletion").headers["Location"] == f"/jobs/{job}"
    answer = person.post(f"/jobs/{job}/deletion", **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/jobs/{job}")
    row = owner_connection.execute("select status from jobs where id = %s", (job,)).fetchone()
    assert row == (state,)


def test_somebody_elses_search_is_as_good_as_none(
    visit: Visit,
    files: Path,
    work: Callable[[UUID], None],
    owner_connection: psycopg.Connection,
) -> None:
    """Demand: 004-11"""
    person, other = visit(), visit()
    job, own = person.search(files / "coffee.jpg"), other.search(files / "coffee.jpg")
    work(job)
    form = other.fields(f"/jobs/{own}", f"/jobs/{own}/cancellation")
    assert other.get(f"/jobs/{job}/deletion").status_code == 404
    assert other.post(f"/jobs/{job}/deletion", **form).status_code == 404
    assert rows_about(owner_connection, job)["jobs"] == 1
    assert person.get(f"/jobs/{job}").status_code == 200


@pytest.mark.parametrize("status", ["sending", "unknown"])
def test_while_its_text_is_under_way_a_search_is_not_deleted(
    texted: Visit,
    files: Path,
    work: Callable[[UUID], None],
    database: Database,
    owner_connection: psycopg.Connection,
    status: str,
) -> None:
    """Nobody could ask the carrier to delete it: its id is not known yet. The page says so."""
    person = texted()
    job = person.search(files / "coffee.jpg", text_me="yes")
    work(job)
    set_text(database, job, status=status, provider="twilio")
    answer = person.press(f"/jobs/{job}/deletion", f"/jobs/{job}/deletion")
    assert answer.headers["Location"] == f"/jobs/{job}/deletion?sending"
    assert "Its text is being sent just now." in person.get(answer.headers["Location"]).text
    assert rows_about(owner_connection, job)["jobs"] == 1
    set_text(database, job, status="sent", provider_sid="SMdone", lost_sids=["SMlost"])
    person.press(f"/jobs/{job}/deletion", f"/jobs/{job}/deletion")
    forgotten = owner_connection.execute(
        "delete from texts_to_forget where provider_sid in ('SMdone', 'SMlost')"
        " returning provider_sid"
    ).fetchall()
    assert sorted(forgotten) == [("SMdone",), ("SMlost",)]


def set_text(database: Database, job: UUID, **values: Any) -> None:
    """Let the text of a job be as its sender would leave it."""
    with database.operator() as session:
        session.execute(update(Notification).where(Notification.job_id == job).values(**values))


def test_a_photo_that_is_taken_again_at_the_same_moment_stays(
    visit: Visit,
    files: Path,
    work: Callable[[UUID], None],
    database: Database,
    settings: Settings,
    owner_connection: psycopg.Connection,
) -> None:
    """Deleted while the same search is being started again: the new one keeps its photo."""
    person = visit()
    job = person.search(files / "coffee.jpg")
    work(job)
    photos = photos_of(owner_connection, job)
    with database.operator() as session:
        row = session.get_one(Job, job)
        owner, params = row.owner_id, row.params
    deleted: list[bool] = []
    deleting = threading.Thread(target=lambda: deleted.append(delete(database, owner, job)))
    with database.owner(owner) as session:
        again = Submission(kind="image_search", params=params, source=JobSource.RERUN)
        second = submit(session, settings, owner, again).id
        deleting.start()
        wait_for(lambda: is_waiting(owner_connection), 10, "the deletion to wait for the photo")
    deleting.join(10)
    assert deleted == [True]
    assert are_there(owner_connection, photos)
    work(second)
    assert "24 matches" in person.get(f"/jobs/{second}").text


def is_waiting(connection: psycopg.Connection) -> bool:
    """Whether some transaction waits for a lock on the photos."""
    row = connection.execute(
        "select exists (select from pg_stat_activity"
        " where wait_event_type = 'Lock' and query ilike '%uploads%')"
    ).fetchone()
    assert row is not None
    return bool(row[0])
