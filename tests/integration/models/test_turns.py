"""Fair turns: what a person may have running, and who is served next."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job, read_job

from models import Claim, Database, Settings, Turn
from models.job import queue_positions
from models.turns import count_in_line, give_turns, hint_again


@pytest.fixture(autouse=True)
def empty_line(owner_connection: psycopg.Connection) -> Iterator[None]:
    """Nobody else's jobs wait or run."""
    for status in ("running", "queued"):
        owner_connection.execute(
            "update jobs set status = 'cancelled', fence = fence + 1 where status = %s", (status,)
        )
    yield


def _sweep(database: Database, queue: str = "interactive", most_running: int = 2) -> list[UUID]:
    with database.operator() as session:
        turns = give_turns(session, queue, most_running=most_running, most=100)
    return [turn.job_id for turn in turns]


def _take(database: Database, job_id: UUID, most_running: int = 2) -> Claim | None:
    with database.worker() as session:
        return Claim.take(
            session, job_id, worker="a worker", lease_seconds=30, most_running=most_running
        )


def test_a_person_gets_so_many_turns_and_the_end_of_one_gives_the_next(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """Two of five are in line; each end passes its slot on, in the same transaction."""
    jobs = [make_job(database, settings, person_a.id) for _ in range(5)]
    rows = [read_job(database, person_a.id, job_id) for job_id in jobs]
    assert [row.dispatched_at is not None for row in rows] == [True, True, False, False, False]
    assert _sweep(database) == []
    claims = [claim_job(database, job_id, most_running=2) for job_id in jobs[:2]]
    with database.worker() as session:
        ended = claims[0].succeed(session, {"counted": 1}, result_count=1)
    assert ended.next == Turn(jobs[2], "count_slowly", "interactive")
    with database.worker() as session:
        ended = claims[1].retry(session, delay_seconds=60, code="x", message="x")
    assert ended.next == Turn(jobs[3], "count_slowly", "interactive")
    assert _sweep(database) == []


def test_the_claim_has_the_last_word(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Sixteen workers with a hint each: two of the person's jobs run, the others wait again."""
    jobs = [make_job(database, settings, person_a.id) for _ in range(16)]
    owner_connection.execute("update jobs set dispatched_at = now() where id = any(%s)", (jobs,))
    start = threading.Barrier(8)

    def take(numbered: tuple[int, UUID]) -> bool:
        if numbered[0] < 8:
            start.wait(10)
        return _take(database, numbered[1]) is not None

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, enumerate(jobs)))
    assert sum(taken) == 2
    counts = owner_connection.execute(
        "select count(*) filter (where status = 'running'),"
        " count(*) filter (where status = 'queued' and dispatched_at is null)"
        " from jobs where id = any(%s)",
        (jobs,),
    ).fetchone()
    assert counts == (2, 14)


def test_a_thousand_jobs_of_one_do_not_hold_up_one_of_another(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """B comes last and is served third; A's own order stays."""
    first = make_job(database, settings, person_a.id)
    owner_connection.execute(
        "insert into jobs (id, owner_id, kind, queue, source, params, max_attempts, expires_at)"
        " select gen_random_uuid(), owner_id, kind, queue, source, params, 3, expires_at"
        " from jobs, generate_series(1, 999) where id = %s",
        (first,),
    )
    assert len(_sweep(database)) == 1
    late = make_job(database, settings, person_b.id)
    with database.owner(person_b.id) as session:
        assert queue_positions(session, [late]) == {late: 3}
    assert _take(database, late) is not None


def test_scheduled_jobs_leave_a_slot_for_what_somebody_waits_for(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """One of a person's two slots is never theirs. Demand: 004-44"""
    jobs = [make_job(database, settings, person_a.id) for _ in range(4)]
    owner_connection.execute(
        "update jobs set queue = 'scheduled', dispatched_at = null where id = any(%s)", (jobs,)
    )
    assert _sweep(database, "scheduled") == jobs[:1]
    assert _sweep(database, "scheduled") == []
    assert _take(database, jobs[0]) is not None
    assert _take(database, jobs[1]) is None
    manual = make_job(database, settings, person_a.id)
    assert read_job(database, person_a.id, manual).dispatched_at is not None
    assert _take(database, manual) is not None


def test_places_in_line_are_the_order_of_service(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """Claim one after another as they are hinted at: each was shown the place it then had."""
    of_a = [make_job(database, settings, person_a.id) for _ in range(6)]
    of_b = [make_job(database, settings, person_b.id) for _ in range(3)]
    with database.owner(person_a.id) as session:
        shown = queue_positions(session, of_a + of_b)
    line = [of_a[0], of_a[1], of_b[0], of_b[1]]
    served = []
    while line:
        served.append(line.pop(0))
        claim = claim_job(database, served[-1], most_running=2)
        with database.worker() as session:
            ended = claim.succeed(session, {"counted": 1}, result_count=1)
        if ended.next:
            line.append(ended.next.job_id)
    assert [shown[job_id] for job_id in served] == list(range(1, 10))


def test_a_lost_hint_is_sent_again_and_the_place_stays(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    jobs = [make_job(database, settings, person_a.id) for _ in range(2)]
    place = read_job(database, person_a.id, jobs[0]).dispatched_at
    owner_connection.execute(
        "update jobs set hinted_at = now() - interval '11 s' where id = %s", (jobs[0],)
    )
    with database.operator() as session:
        assert count_in_line(session, "interactive") == 2
        turns = hint_again(session, "interactive", patience_seconds=10, most=5)
        assert [turn.job_id for turn in turns] == [jobs[0]]
        assert hint_again(session, "interactive", patience_seconds=10, most=5) == []
    assert read_job(database, person_a.id, jobs[0]).dispatched_at == place
