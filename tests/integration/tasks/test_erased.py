"""A person is erased while a real worker works for them."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from cast import Person, make_person
from factories import make_job, read_job
from processes import Processes, wait_for

from models import Database, Job, Settings
from models.erasing import erase


def test_the_worker_stops_and_nothing_comes_back(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    ended: Callable[..., Job],
    owner_connection: psycopg.Connection,
) -> None:
    """The only process of the worker would count for ten minutes; it is free for A instead."""
    gone = make_person(database)
    running = make_job(
        database, settings, gone.id, params={"steps": 1000, "step_seconds": 0.6}, notify="none"
    )
    waiting = make_job(database, settings, gone.id)
    processes.start("worker", "--concurrency", "1")
    wait_for(
        lambda: read_job(database, gone.id, running).progress_done or None, 40, "a job that runs"
    )
    with database.operator() as session:
        erase(session, gone.id)
    assert ended(make_job(database, settings, person_a.id)).status == "succeeded"
    for table in ("jobs", "job_events", "notifications"):
        column = "id" if table == "jobs" else "job_id"
        left = owner_connection.execute(
            f"select count(*) from {table} where {column} = any(%s)",
            ([running, waiting],),
        ).fetchone()
        assert left == (0,), table
    assert "Traceback" not in processes.log()
