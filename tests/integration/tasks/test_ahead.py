"""A worker with quick jobs takes one message ahead, and holds nobody up with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
from cast import Person
from factories import make_job, read_job
from processes import Processes, wait_for

from models import Database, Job, Settings

QUICK_JOBS = 70  # more than make a worker a quick one


def test_what_is_held_behind_a_long_job_is_done_elsewhere(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    processes: Processes,
    ended: Callable[..., Job],
    owner_connection: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """Fifty quick jobs, a long one, another quick one: it ends long before the long one does."""
    processes.start("worker", "--name", "first", "--concurrency", "1")
    quick = [
        make_job(database, settings, person_a.id, params={"steps": 1}) for _ in range(QUICK_JOBS)
    ]
    ended(quick[-1], seconds=60)
    marks = tmp_path / "marks"
    long = make_job(
        database,
        settings,
        person_a.id,
        params={"steps": 1, "step_seconds": 30, "marks": str(marks)},
    )
    held = make_job(database, settings, person_b.id, params={"steps": 1})
    wait_for(marks.exists, what="the long job at work")
    processes.start("worker", "--name", "second", "--concurrency", "1")
    wait_for(
        lambda: read_job(database, person_b.id, held).status == "succeeded", 25, "the held job"
    )
    assert read_job(database, person_a.id, long).status == "running"
    worker = owner_connection.execute("select worker from jobs where id = %s", (held,)).fetchone()
    assert worker is not None
    assert worker[0].startswith("second@")
