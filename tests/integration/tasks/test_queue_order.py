"""Whose job comes next, with a real worker: nobody waits behind somebody else's heap."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from cast import Person, make_person
from factories import make_job
from kombu.utils.scheduling import cycle_by_name
from processes import Processes, wait_for

from models import Database, JobSource, Settings
from tasks.submission import Submission, submit

LONG = {"steps": 1000, "step_seconds": 0.5}


def make_heap(
    database: Database, settings: Settings, owner_id: UUID, count: int, source: JobSource
) -> None:
    """Submit many long jobs of one person at once."""
    submission = Submission(kind="count_slowly", params=LONG, source=source)
    with database.owner(owner_id) as session:
        for _ in range(count):
            submit(session, settings, owner_id, submission)


def seconds_until_started(owner: psycopg.Connection, job_id: UUID) -> float:
    """Wait for a job to be claimed; return the time from its submit, by the database's clock."""

    def waited() -> float | None:
        row = owner.execute(
            "select extract(epoch from started_at - created_at)::float from jobs where id = %s",
            (job_id,),
        ).fetchone()
        return None if row is None else row[0]

    return wait_for(waited, what="the start")


def running(owner: psycopg.Connection) -> dict[str, int]:
    rows = owner.execute(
        "select queue, count(*) from jobs where status = 'running' group by queue"
    ).fetchall()
    return dict(rows)


@pytest.fixture
def record_start(record_property: Callable[[str, object], None]) -> Callable[[float], None]:
    return lambda seconds: record_property("seconds_until_started", round(seconds, 3))


def test_a_manual_job_starts_at_once_under_300_scheduled_ones(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    owner_connection: psycopg.Connection,
    record_start: Callable[[float], None],
) -> None:
    """Thirty people's schedules fill every place they may have; one child stays free."""
    for _ in range(30):
        make_heap(database, settings, make_person(database).id, 10, JobSource.SCHEDULE)
    processes.start("worker", "--concurrency", "3")
    wait_for(lambda: running(owner_connection) == {"scheduled": 2}, what="scheduled jobs")
    time.sleep(2)  # the third child is not given away later either
    assert running(owner_connection) == {"scheduled": 2}
    job_id = make_job(database, settings, person_a.id)
    waited = seconds_until_started(owner_connection, job_id)
    record_start(waited)
    assert waited < 2


def test_one_job_of_b_does_not_wait_behind_a_thousand_of_a(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    processes: Processes,
    owner_connection: psycopg.Connection,
    record_start: Callable[[float], None],
) -> None:
    """A has as many running as one person may have; the slot that is left is B's."""
    make_heap(database, settings, person_a.id, 1000, JobSource.MANUAL)
    processes.start("worker", "--concurrency", "3")
    wait_for(lambda: running(owner_connection) == {"interactive": 2}, what="jobs of A")
    job_id = make_job(database, settings, person_b.id)
    waited = seconds_until_started(owner_connection, job_id)
    record_start(waited)
    assert waited < 2
    assert running(owner_connection)["interactive"] <= 3


def test_scheduled_jobs_follow_each_other_closely(
    database: Database,
    settings: Settings,
    processes: Processes,
    owner_connection: psycopg.Connection,
) -> None:
    """One place is theirs, and as one ends the next is taken, not a second later."""
    processes.start("worker", "--concurrency", "2")
    wait_for(lambda: "ready" in processes.log(), what="the worker")
    submission = Submission(kind="count_slowly", params={}, source=JobSource.SCHEDULE)
    for _ in range(25):
        person = make_person(database)
        with database.owner(person.id) as session:
            submit(session, settings, person.id, submission)
    began = time.monotonic()

    def all_done() -> bool:
        row = owner_connection.execute(
            "select from jobs where status in ('queued', 'running') limit 1"
        ).fetchone()
        return row is None

    wait_for(all_done, what="the end of all")
    assert time.monotonic() - began < 15


@pytest.mark.usefixtures("settings")
def test_scheduled_is_not_listened_to_while_its_places_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the worker asks for it: the class that the broker's settings name."""
    cycle = cycle_by_name("tasks.queue_order:InteractiveFirst")()
    cycle.update({"scheduled", "interactive"})
    has_place = True
    monkeypatch.setattr("tasks.queue_order._may_take_scheduled", lambda: has_place)
    assert cycle.consume(2) == ["interactive", "scheduled"]
    has_place = False
    assert cycle.consume(2) == ["interactive"]
    cycle.update(["scheduled"])  # a worker of nothing else
    assert cycle.consume(1) == ["scheduled"]
