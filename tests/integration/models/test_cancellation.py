"""The wish to stop a job, with no worker and no broker in sight."""

from __future__ import annotations

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job, read_job

from models import Database, Progress, Settings
from models.cancellation import request_cancel, settle_lapsed_cancel
from models.claim import lose_attempt
from models.errors import StaleFenceError
from models.job_event import timeline


def _let_lapse(connection: psycopg.Connection, job_id: object) -> None:
    connection.execute(
        "update jobs set lease_until = now() - interval '1 s' where id = %s", (job_id,)
    )


def test_a_queued_job_is_cancelled_at_once_and_its_slot_goes_on(
    database: Database, settings: Settings, person_a: Person
) -> None:
    jobs = [make_job(database, settings, person_a.id) for _ in range(4)]
    with database.owner(person_a.id) as session:
        ended = request_cancel(session, jobs[0])
        assert ended is not None
        assert (ended.status, ended.next.job_id if ended.next else None) == ("cancelled", jobs[2])
        waiting = request_cancel(session, jobs[3])
        assert waiting is not None
        assert waiting.next is None  # it held no slot
    job = read_job(database, person_a.id, jobs[0])
    assert (job.status, job.finished_at is not None) == ("cancelled", True)
    with database.owner(person_a.id) as session:
        again = request_cancel(session, jobs[0])
        assert again is not None
        assert (again.status, again.next) == ("cancelled", None)
        assert [event.event for event in timeline(session, jobs[0])] == ["enqueued", "cancelled"]


def test_a_running_job_is_asked_to_stop_and_keeps_what_it_found(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """The next sign of life says so; the partial answer stays and says that it is one."""
    job_id = make_job(database, settings, person_a.id)
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.save_partial(session, {"counted": 1}, result_count=1)
    with database.owner(person_a.id) as session:
        asked = request_cancel(session, job_id)
        assert asked is not None
        assert asked.status == "running"
        assert settle_lapsed_cancel(session, job_id) is None
    with database.worker() as session:
        assert claim.heartbeat(session, lease_seconds=30, progress=Progress(percent=10))
        claim.cancel(session)
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.partial, job.result) == ("cancelled", True, {"counted": 1})


@pytest.mark.parametrize("when", ["asked after the lapse", "asked before"])
def test_with_its_worker_gone_a_running_job_is_cancelled_by_the_wish_alone(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    when: str,
) -> None:
    job_id = make_job(database, settings, person_a.id)
    claim = claim_job(database, job_id)
    if when == "asked before":
        with database.owner(person_a.id) as session:
            request_cancel(session, job_id)
        _let_lapse(owner_connection, job_id)
        with database.owner(person_a.id) as session:
            ended = settle_lapsed_cancel(session, job_id)
    else:
        _let_lapse(owner_connection, job_id)
        with database.owner(person_a.id) as session:
            ended = request_cancel(session, job_id)
    assert ended is not None
    assert ended.status == "cancelled"
    with pytest.raises(StaleFenceError), database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)


def test_nobody_cancels_what_is_not_theirs_or_has_ended(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    job_id = make_job(database, settings, person_a.id)
    with database.owner(person_b.id) as session:
        assert request_cancel(session, job_id) is None
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    with database.owner(person_a.id) as session:
        ended = request_cancel(session, job_id)
        assert ended is not None
        assert ended.status == "succeeded"
    assert read_job(database, person_a.id, job_id).cancel_requested_at is None


def test_the_parent_gives_up_the_attempt_of_its_dead_child_and_of_no_other(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Back in the queue with its turn, failed after the last attempt or when that is final."""
    job_id = make_job(database, settings, person_a.id)
    claim_job(database, job_id)
    words = {"code": "worker_lost", "message": "Interrupted."}
    with database.worker() as session:
        assert lose_attempt(session, job_id, worker="another", **words) is None
        lost = lose_attempt(session, job_id, worker="a worker", **words)
        assert lost is not None
        assert (lost.status, lost.next.job_id if lost.next else None) == ("queued", job_id)
        assert lose_attempt(session, job_id, worker="a worker", **words) is None
    claim_job(database, job_id)
    with database.worker() as session:
        final = lose_attempt(session, job_id, worker="a worker", final=True, **words)
        assert final is not None
        assert final.status == "failed"
    job = read_job(database, person_a.id, job_id)
    assert (job.attempt, job.error_code, job.error_message) == (2, "worker_lost", "Interrupted.")
