"""A job's moves: guarded by the fence, refused by the database, told by events."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job, read_job
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from models import Claim, Database, Job, JobEvent, JobStatus, Progress, Settings
from models.errors import StaleFenceError, UnstorableError
from models.job import TRANSITIONS, queue_positions
from models.queries import query


def _events(database: Database, person: Person, job_id: UUID) -> list[str]:
    with database.owner(person.id) as session:
        rows = session.scalars(
            select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id)
        )
        return [event.event for event in rows]


def _lapse(connection: psycopg.Connection, job_id: UUID) -> None:
    connection.execute(
        "update jobs set lease_until = now() - interval '1 second' where id = %s", (job_id,)
    )


def _rescue(database: Database) -> dict[UUID, str]:
    with database.operator() as session:
        rows = session.execute(query("rescue_jobs"), {"message": "We were interrupted."})
        return {row.id: row.status for row in rows}


def test_a_job_is_in_the_database_before_anything_else_happens(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """A submit is durable at once, with its time of making and of expiry.

    Demand: 000-5, 000-9, 000-10, 000-19, 002-1, 002-3, 002-13
    """
    job_id = make_job(database, settings, person_a.id, params={"steps": 4})
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.progress, job.attempt) == ("queued", 0, 0)
    assert job.owner_id == person_a.id
    assert job.params["steps"] == 4
    assert job.created_at is not None
    assert (job.expires_at - job.created_at).days in (6, 7)
    assert _events(database, person_a, job_id) == ["enqueued"]


def test_only_one_of_many_workers_gets_a_job(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """Workers that look at the same moment, each in an open transaction. Demand: 003-11"""
    job_id = make_job(database, settings, person_a.id)
    at_once = threading.Barrier(4)

    def take(worker: int) -> Claim | None:
        with database.worker() as session:
            assert session.get_one(Job, job_id).status == "queued"
            at_once.wait(10)
            return Claim.take(
                session, job_id, worker=str(worker), lease_seconds=30, most_running=100
            )

    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(take, range(4)))
    assert len([claim for claim in claims if claim is not None]) == 1
    assert read_job(database, person_a.id, job_id).attempt == 1


def test_progress_is_on_the_row_and_never_falls(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """Every report is persisted and visible to another connection. Demand: 000-20, 002-9, 002-15"""
    job_id = make_job(database, settings, person_a.id)
    claim = claim_job(database, job_id)
    versions = []
    for percent, done in ((30, 3), (20, 2), (60, 6)):
        with database.worker() as session:
            claim.heartbeat(
                session,
                lease_seconds=30,
                progress=Progress(percent, done, 10, "pages", "Reading", 7),
            )
        job = read_job(database, person_a.id, job_id)
        versions.append(job.version)
        assert job.progress == max(percent, 30)
        assert (job.progress_done, job.progress_total, job.progress_unit) == (done, 10, "pages")
        assert (job.stage, job.eta_seconds) == ("Reading", 7)
    assert versions == sorted(set(versions))


def test_success_keeps_the_result_and_the_times(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """The whole life leaves its times on the row.

    Demand: 000-15, 000-18, 000-21, 002-7, 002-10, 004-13, 004-16
    """
    job_id = make_job(database, settings, person_a.id)
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, {"counted": 3}, result_count=3)
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.progress, job.result, job.result_count) == (
        "succeeded",
        100,
        {"counted": 3},
        3,
    )
    assert job.created_at <= job.started_at <= job.finished_at < job.expires_at
    assert job.updated_at >= job.started_at
    assert job.created_at.tzinfo is not None and job.updated_at.tzinfo is not None
    assert _events(database, person_a, job_id) == ["enqueued", "claimed", "succeeded"]


def test_failure_keeps_a_code_and_a_sentence(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """Demand: 000-17, 000-22, 002-8, 004-13, 004-16"""
    job_id = make_job(database, settings, person_a.id)
    with database.worker() as session:
        claim_job(database, job_id).fail(session, "not_a_picture", "That is not a picture.")
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.error_code, job.error_message) == (
        "failed",
        "not_a_picture",
        "That is not a picture.",
    )


def test_a_write_with_an_old_fence_changes_nothing(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """A worker that was frozen past its lease can neither report nor finish."""
    job_id = make_job(database, settings, person_a.id)
    frozen = claim_job(database, job_id)
    _lapse(owner_connection, job_id)
    assert _rescue(database)[job_id] == "queued"
    fresh = claim_job(database, job_id)
    assert (fresh.attempt, fresh.fence) == (2, 3)
    for write in (
        lambda session: frozen.succeed(session, {"counted": 0}, result_count=0),
        lambda session: frozen.fail(session, "x", "x"),
        frozen.cancel,
        lambda session: frozen.retry(session, delay_seconds=1, code="x", message="x"),
        lambda session: frozen.heartbeat(session, lease_seconds=30),
        lambda session: frozen.heartbeat(session, lease_seconds=30, progress=Progress(99)),
        frozen.check,
        lambda session: frozen.save_checkpoint(session, {}),
    ):
        with pytest.raises(StaleFenceError), database.worker() as session:
            write(session)
    with database.worker() as session:
        fresh.succeed(session, {"counted": 3}, result_count=3)
    assert read_job(database, person_a.id, job_id).result == {"counted": 3}


def test_a_lapsed_lease_is_rescued_and_the_last_attempt_fails(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Stuck jobs are found by their lease, whatever their length. Demand: 002-45, 004-34"""
    job_id = make_job(database, settings, person_a.id, kind="broken")  # two attempts
    for status in ("queued", "failed"):
        claim_job(database, job_id)
        assert job_id not in _rescue(database)  # the lease holds
        _lapse(owner_connection, job_id)
        assert _rescue(database)[job_id] == status
    job = read_job(database, person_a.id, job_id)
    assert (job.error_code, job.error_message) == ("worker_lost", "We were interrupted.")
    assert _events(database, person_a, job_id) == [
        "enqueued",
        "claimed",
        "rescued",
        "claimed",
        "failed",
    ]


def test_the_text_is_written_with_the_end_or_not_at_all(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """One transaction ends the job and leaves its text; a second end cannot leave another."""
    job_id = make_job(database, settings, person_a.id)
    owner_connection.execute("update jobs set notify = 'sms' where id = %s", (job_id,))
    claim = claim_job(database, job_id)
    count = "select count(*) from notifications where job_id = %s"
    with pytest.raises(ZeroDivisionError), database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
        raise ZeroDivisionError
    assert owner_connection.execute(count, (job_id,)).fetchone() == (0,)
    assert read_job(database, person_a.id, job_id).status == "running"
    with database.worker() as session:
        assert claim.succeed(session, {"counted": 1}, result_count=1).notification_id is not None
    assert owner_connection.execute(count, (job_id,)).fetchone() == (1,)


@pytest.mark.parametrize(
    ("before", "after"),
    [(a, b) for a in JobStatus for b in JobStatus if a != b],
)
def test_the_database_holds_the_same_table_of_moves(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    before: JobStatus,
    after: JobStatus,
) -> None:
    """Whoever writes, even the tables' owner, a job that has ended keeps its end."""
    job_id = make_job(database, settings, person_a.id)
    move = "update jobs set status = %s where id = %s"
    path = {"queued": [], "running": ["running"]}.get(before, ["running", before])
    for status in path:
        owner_connection.execute(move, (status, job_id))
    if after in TRANSITIONS[before]:
        owner_connection.execute(move, (after, job_id))
    else:
        with pytest.raises(psycopg.errors.CheckViolation, match="does not move"):
            owner_connection.execute(move, (after, job_id))


def test_a_job_is_not_born_ended(database: Database, person_a: Person) -> None:
    """Not even its own person can write a finished job."""
    with pytest.raises(IntegrityError, match="begins queued"), database.owner(person_a.id) as s:
        s.execute(
            text(
                "insert into jobs (id, owner_id, kind, queue, source, params, max_attempts, status,"
                " expires_at) values (gen_random_uuid(), :me, 'x', 'interactive', 'api', '{}', 1,"
                " 'succeeded', now())"
            ),
            {"me": person_a.id},
        )


def test_text_that_postgres_refuses_is_cleaned_and_nan_is_refused(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """NUL and lone surrogates are dropped; what is no number is a named error."""
    claim = claim_job(database, make_job(database, settings, person_a.id))
    with pytest.raises(UnstorableError), database.worker() as session:
        claim.succeed(session, {"value": float("inf")}, result_count=None)
    with pytest.raises(UnstorableError), database.worker() as session:
        claim.succeed(session, {"value": "x" * 5_000_001}, result_count=None)
    with database.worker() as session:
        claim.succeed(session, {"a\0": ["b\0\ud800c"]}, result_count=None)
    assert read_job(database, person_a.id, claim.job_id).result == {"a": ["bc"]}


def test_queue_positions_count_everybodys_jobs_ahead(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """A person learns how many are ahead, though not whose."""
    first, second, third = (
        make_job(database, settings, person.id) for person in (person_b, person_a, person_b)
    )
    with database.owner(person_a.id) as session:
        places = queue_positions(session, [third, second])
        assert queue_positions(session, [first]) == {first: places[second] - 1}
    assert places[third] == places[second] + 1
    claim_job(database, second)
    with database.owner(person_a.id) as session:
        assert queue_positions(session, [second]) == {}
        assert queue_positions(session, [third, second]) == {third: places[second]}


def test_what_a_schedule_asked_for_comes_after_what_somebody_waits_for(
    database: Database, settings: Settings, person_a: Person, owner_connection: psycopg.Connection
) -> None:
    owner_connection.execute("update jobs set status = 'cancelled' where status = 'queued'")
    jobs = [make_job(database, settings, person_a.id) for _ in range(4)]
    owner_connection.execute(
        "update jobs set queue = 'scheduled' where id = any(%s)", ([jobs[0], jobs[2]],)
    )
    with database.owner(person_a.id) as session:
        places = queue_positions(session, jobs)
    assert [places[job_id] for job_id in jobs] == [3, 1, 4, 2]


@pytest.mark.parametrize("how", ["retry", "rescue"])
def test_a_job_whose_person_wants_it_stopped_is_not_put_back(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    how: str,
) -> None:
    """The wish outlives the attempt: the job ends cancelled instead of waiting for ever."""
    job_id = make_job(database, settings, person_a.id)
    claim = claim_job(database, job_id)
    owner_connection.execute("update jobs set cancel_requested_at = now() where id = %s", (job_id,))
    if how == "retry":
        with database.worker() as session:
            claim.retry(session, delay_seconds=0, code="x", message="x")
    else:
        _lapse(owner_connection, job_id)
        assert _rescue(database)[job_id] == "cancelled"
    job = read_job(database, person_a.id, job_id)
    assert job.status == "cancelled"
    assert job.finished_at is not None
    assert _events(database, person_a, job_id) == ["enqueued", "claimed", "cancelled"]
