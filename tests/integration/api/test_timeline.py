"""What happened to a job, for its person."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
from api_client import Api
from factories import claim_job

from models import Database


def test_each_thing_that_happened_in_words(
    a: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    job = a.submit()
    first = claim_job(database, UUID(job["id"]))
    with database.worker() as session:
        first.retry(session, delay_seconds=0, code="internal_error", message="a private detail")
    claim = claim_job(database, UUID(job["id"]))
    a.post(f"{job['links']['self']}/cancellation")
    with database.worker() as session:
        claim.cancel(session)
    answer = a.get(job["links"]["timeline"])
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, "en")
    events = answer.get_json()["events"]
    assert [event["event"] for event in events] == [
        "enqueued", "claimed", "retry", "claimed", "cancel_requested", "cancelled",
    ]  # fmt: skip
    assert [event["attempt"] for event in events] == [None, 1, 1, 2, 2, 2]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert all(event["text"] and event["at"].endswith("Z") for event in events)
    assert set(events[0]) == {"at", "event", "attempt", "text"}
    # The rows know which worker it was; nobody is told.
    workers = owner_connection.execute(
        "select distinct detail ->> 'worker' from job_events where job_id = %s"
        " and detail ? 'worker'",
        [job["id"]],
    ).fetchall()
    assert workers == [("a worker",)]
    assert "a worker" not in answer.text
    assert "private" not in answer.text


def test_it_speaks_the_readers_language_else_the_jobs(a: Api) -> None:
    job = a.submit(locale="ko")
    korean = a.get(job["links"]["timeline"])
    assert korean.headers["Content-Language"] == "ko"
    assert "요청" in korean.get_json()["events"][0]["text"]
    for accepted, language in (("en-GB,en;q=0.8", "en"), ("ko-KR", "ko"), ("fr", "ko")):
        answer = a.get(job["links"]["timeline"], headers={"Accept-Language": accepted})
        assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_page_reads_it_by_its_cookie_and_a_stranger_not_at_all(
    a: Api, b: Api, stranger: Api
) -> None:
    """Demand: 002-25, 003-13."""
    job = a.submit()
    assert stranger.get(job["links"]["timeline"]).status_code == 401
    theirs, none = b.get(job["links"]["timeline"]), b.get(f"jobs/{uuid4()}/timeline")
    assert theirs.status_code == none.status_code == 404
    assert theirs.get_json()["code"] == none.get_json()["code"] == "job_not_found"
