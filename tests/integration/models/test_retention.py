"""What expires goes, in batches; the row stays to say so. What ended keeps its end until then."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job, read_job
from psycopg.errors import CheckViolation
from sqlalchemy import text

from models import Database, ResultLink, Settings
from models.estimate import estimate
from models.operator_event import record_operator_event
from models.queries import query
from models.repeated import find_by_idempotency_key, find_same_question


def _ended(database: Database, settings: Settings, owner_id: UUID) -> UUID:
    job_id = make_job(database, settings, owner_id, params={"steps": 2})
    with database.owner(owner_id) as session:
        ResultLink.create(
            session,
            settings,
            job_id=job_id,
            owner_id=owner_id,
            purpose="share",
            expires_at=read_job(database, owner_id, job_id).expires_at,
        )
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, {"counted": 2}, result_count=2)
    return job_id


def test_an_expired_job_is_emptied_with_its_links_and_events(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Moved a week back in time, and pruned; its neighbour stays whole.

    Demand: 000-40, 002-37, 002-39
    """
    old, fresh = (_ended(database, settings, person_a.id) for _ in range(2))
    owner_connection.execute(
        "update jobs set created_at = created_at - interval '8 days',"
        " expires_at = expires_at - interval '8 days' where id = %s",
        (old,),
    )
    with database.operator() as session:
        assert old in session.scalars(query("prune_jobs"), {"most": 1000}).all()
        assert session.scalars(query("prune_jobs"), {"most": 1000}).all() == []
    job = read_job(database, person_a.id, old)
    assert (job.status, job.params, job.result, job.result_count) == ("succeeded", {}, None, 2)
    assert job.pruned_at is not None
    assert read_job(database, person_a.id, fresh).result == {"counted": 2}
    for table in ("result_links", "job_events"):
        left = owner_connection.execute(
            f"select distinct job_id from {table} where job_id = any(%s)", ([old, fresh],)
        ).fetchall()
        assert left == [(fresh,)], table


def test_pruning_waits_for_nobody(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """A row that somebody holds is passed over and met again."""
    jobs = [_ended(database, settings, person_a.id) for _ in range(2)]
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 s' where id = any(%s)", (jobs,)
    )
    with owner_connection.transaction():
        owner_connection.execute("select 1 from jobs where id = %s for update", (jobs[0],))
        with database.operator() as session:
            session.execute(text("set local lock_timeout = '100ms'"))
            pruned = session.scalars(query("prune_jobs"), {"most": 1000}).all()
        assert jobs[1] in pruned
        assert jobs[0] not in pruned


def test_a_job_that_waited_longer_than_its_answer_would_be_kept_ends(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    job_id = make_job(database, settings, person_a.id)
    owner_connection.execute("update jobs set expires_at = now() where id = %s", (job_id,))
    with database.operator() as session:
        ended = session.scalars(query("end_overdue_jobs"), {"most": 10, "message": "Late."}).all()
    assert job_id in ended
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.error_code) == ("failed", "waited_too_long")


@pytest.mark.parametrize(
    "change",
    [
        "result = '{}'",
        "params = '{}'",
        "error_message = 'x'",
        "attempt = 0",
        "fence = fence + 1",
        "finished_at = now()",
        "progress = 5",
        "result_count = 9",
        "partial = true",
        "status = 'failed'",
        "pruned_at = now(), result_count = 0",
    ],
)
def test_nobody_changes_how_a_job_ended(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    change: str,
) -> None:
    """Not even the owner of the tables."""
    job_id = _ended(database, settings, person_a.id)
    with pytest.raises(CheckViolation):
        owner_connection.execute(f"update jobs set {change} where id = %s", (job_id,))


def test_a_key_is_found_for_a_week_and_then_let_go(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    owner_connection: psycopg.Connection,
) -> None:
    job_id = make_job(database, settings, person_a.id)
    owner_connection.execute("update jobs set idempotency_key = 'k' where id = %s", (job_id,))
    with database.owner(person_b.id) as session:
        assert find_by_idempotency_key(session, "k") is None
    with database.owner(person_a.id) as session:
        found = find_by_idempotency_key(session, "k")
        assert found is not None
        assert found.id == job_id
    owner_connection.execute(
        "update jobs set created_at = now() - interval '7 days 1 s' where id = %s", (job_id,)
    )
    with database.owner(person_a.id) as session:
        assert find_by_idempotency_key(session, "k") is None
    owner_connection.execute("update jobs set idempotency_key = 'k' where id = %s", (job_id,))
    with database.operator() as session:
        assert job_id in session.scalars(query("release_keys"), {"most": 1000}).all()


def test_the_same_question_is_found_while_it_is_open(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    owner_connection: psycopg.Connection,
) -> None:
    job_id = make_job(database, settings, person_a.id)
    owner_connection.execute("update jobs set question_hash = 'q' where id = %s", (job_id,))
    with database.owner(person_b.id) as session:
        assert find_same_question(session, b"q") is None
    claim = claim_job(database, job_id)
    with database.owner(person_a.id) as session:
        assert find_same_question(session, b"q") == job_id
    with database.worker() as session:
        claim.fail(session, "x", "x")
    with database.owner(person_a.id) as session:
        assert find_same_question(session, b"q") is None


def test_durations_are_learnt_from_successes_of_the_kind(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Numbers from everybody's runs, and a word while there are too few."""
    owner_connection.execute("delete from jobs where kind = 'hopeless'")
    for seconds in range(10, 15):
        with database.owner(person_b.id) as session:
            known = estimate(session, "hopeless")
            assert known.learning
            assert known.runs == seconds - 10
        job_id = make_job(database, settings, person_a.id, kind="hopeless")
        claim = claim_job(database, job_id)
        owner_connection.execute(
            "update jobs set started_at = now() - make_interval(secs => %s) where id = %s",
            (seconds, job_id),
        )
        with database.worker() as session:
            claim.succeed(session, {"counted": 1}, result_count=1)
    with database.owner(person_b.id) as session:
        known = estimate(session, "hopeless")
    assert not known.learning
    assert known.low is not None
    assert known.mid is not None
    assert known.high is not None
    assert 9.9 < known.low < known.mid < known.high < 14.5
    assert abs(known.mid - 12) < 0.5


def test_operator_events_are_written_by_workers_and_hidden_from_people(
    database: Database, person_a: Person, owner_connection: psycopg.Connection
) -> None:
    with database.worker() as session:
        record_operator_event(session, "worker_deaf", "work@host/1", waited_seconds=61)
    row = owner_connection.execute(
        "select subject, detail from operator_events order by id desc limit 1"
    ).fetchone()
    assert row == ("work@host/1", {"waited_seconds": 61})
    with (
        pytest.raises(Exception, match="permission denied"),
        database.owner(person_a.id) as session,
    ):
        session.execute(text("select * from operator_events"))


def test_what_operators_were_told_goes_after_ninety_days(
    database: Database, owner_connection: psycopg.Connection
) -> None:
    with database.worker() as session:
        for subject in ("old@host/1", "new@host/1"):
            record_operator_event(session, "worker_deaf", subject)
    owner_connection.execute(
        "update operator_events set at = at - interval '91 days' where subject = 'old@host/1'"
    )
    with database.operator() as session:
        assert len(session.scalars(query("prune_operator_events"), {"most": 1000}).all()) == 1
    left = owner_connection.execute("select subject from operator_events").fetchall()
    assert ("new@host/1",) in left
    assert ("old@host/1",) not in left
