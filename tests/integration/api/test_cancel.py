"""Cancelling: at once, by asking, or when whoever should have listened has fallen silent."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from api_client import Api, free_port
from factories import claim_job
from pydantic import SecretStr

from models import Database


def cancel(api: Api, job: dict[str, Any]) -> Any:
    """Ask for a job's cancel."""
    return api.post(f"{job['links']['self']}/cancellation")


def let_lapse(connection: psycopg.Connection, job: dict[str, Any]) -> None:
    """Let the worker of a job have fallen silent."""
    connection.execute(
        "update jobs set lease_until = now() - interval '1 second' where id = %s", [job["id"]]
    )


def test_a_job_that_waits_is_cancelled_at_once(a: Api) -> None:
    """Demand: 002-18, 004-29, 004-30."""
    job = a.submit()
    for _ in range(2):  # twice is as good as once
        answer = cancel(a, job)
        assert answer.status_code == 200, answer.text
        cancelled = answer.get_json()
        assert (cancelled["status"], cancelled["queue_position"]) == ("cancelled", None)
        assert cancelled["cancel_requested_at"] is not None
        assert cancelled["finished_at"] is not None
    assert a.get(job["links"]["self"]).get_json() == cancelled
    result = a.get(job["links"]["result"])
    assert (result.status_code, result.get_json()["code"]) == (409, "job_cancelled")


def test_a_job_that_runs_is_asked_to_stop(a: Api, database: Database) -> None:
    """Demand: 002-18, 004-29."""
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    for _ in range(2):
        answer = cancel(a, job)
        assert answer.status_code == 202, answer.text
        assert answer.get_json()["status"] == "running"
        assert answer.get_json()["cancel_requested_at"] is not None
    with database.worker() as session:
        assert claim.heartbeat(session, lease_seconds=30)
        claim.cancel(session)
    assert a.get(job["links"]["self"]).get_json()["status"] == "cancelled"
    assert cancel(a, job).status_code == 200


@pytest.mark.parametrize("path", ["", "/result", "/timeline"])
def test_a_stop_that_no_worker_lives_to_hear_ends_with_the_lease(
    a: Api, database: Database, owner_connection: psycopg.Connection, path: str
) -> None:
    """No worker, no sweep: whoever looks at the job ends it, with what was found so far."""
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    with database.worker() as session:
        claim.save_partial(session, {"counted": 2}, result_count=2)
    assert cancel(a, job).status_code == 202
    assert a.get(f"{job['links']['self']}").get_json()["status"] == "running"
    let_lapse(owner_connection, job)
    answer = a.get(f"{job['links']['self']}{path}")
    if path == "/result":
        assert (answer.status_code, answer.get_json()) == (200, {"counted": 2, "partial": True})
    status = owner_connection.execute(
        "select status, fence from jobs where id = %s", [job["id"]]
    ).fetchone()
    assert status == ("cancelled", claim.fence + 1)


def test_a_list_and_a_stream_end_it_too(
    a: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    job = a.submit()
    claim_job(database, UUID(job["id"]))
    cancel(a, job)
    let_lapse(owner_connection, job)
    assert [one["status"] for one in a.get("jobs").get_json()["jobs"]] == ["cancelled"]
    followed = a.submit()
    claim_job(database, UUID(followed["id"]))
    cancel(a, followed)
    stream = a.get(followed["links"]["events"])
    frames = iter(stream.response)
    assert b'"running"' in next(frames)
    let_lapse(owner_connection, followed)
    assert b'"cancelled"' in next(frame for frame in frames if b"data:" in frame)
    stream.close()


def test_a_silent_worker_is_not_waited_for(
    a: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    job = a.submit()
    claim_job(database, UUID(job["id"]))
    let_lapse(owner_connection, job)
    answer = cancel(a, job)
    assert (answer.status_code, answer.get_json()["status"]) == (200, "cancelled")


def test_what_was_found_before_a_stop_is_kept_and_labelled(a: Api, database: Database) -> None:
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    with database.worker() as session:
        claim.save_partial(session, {"counted": 2}, result_count=2)
    assert a.get(job["links"]["result"]).status_code == 409  # it still runs
    cancel(a, job)
    with database.worker() as session:
        claim.cancel(session)
    ended = a.get(job["links"]["self"]).get_json()
    assert (ended["status"], ended["partial"], ended["result_count"]) == ("cancelled", True, 2)
    answer = a.get(job["links"]["result"])
    assert (answer.status_code, answer.get_json()) == (200, {"counted": 2, "partial": True})


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_what_has_ended_stays_as_it_ended(a: Api, database: Database, status: str) -> None:
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    with database.worker() as session:
        if status == "succeeded":
            claim.succeed(session, {"counted": 1}, result_count=1)
        else:
            claim.fail(session, "hopeless", "There is no hope.")
    before = a.get(job["links"]["self"]).get_json()
    answer = cancel(a, job)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "job_already_ended")
    assert status in answer.get_json()["detail"]
    assert a.get(job["links"]["self"]).get_json() == before


def test_somebody_elses_job_is_as_unknown_as_none(a: Api, b: Api) -> None:
    """Demand: 002-25, 003-13."""
    job = a.submit()
    theirs, none = cancel(b, job), b.post(f"jobs/{uuid4()}/cancellation")
    assert theirs.status_code == none.status_code == 404
    assert theirs.get_json()["code"] == none.get_json()["code"] == "job_not_found"
    assert a.get(job["links"]["self"]).get_json()["status"] == "queued"


def test_redis_is_not_needed(make_app: Any, token_a: str) -> None:
    app = make_app(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))
    api = Api(app.test_client(), token_a)
    assert cancel(api, api.submit()).status_code == 200


def test_the_next_of_the_same_person_takes_the_slot(
    a: Api, owner_connection: psycopg.Connection
) -> None:
    jobs = [a.submit() for _ in range(3)]

    def in_line() -> list[bool]:
        rows = owner_connection.execute(
            "select dispatched_at is not null and status = 'queued' from jobs"
            " where owner_id = %s order by id",
            [a.person_id],
        ).fetchall()
        return [row[0] for row in rows]

    assert in_line() == [True, True, False]
    cancel(a, jobs[0])
    assert in_line() == [False, True, True]
