"""A moment without Postgres costs a job neither its answer nor an attempt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from cast import Person
from factories import make_job, read_job
from processes import wait_for

from models import Database, Settings
from tasks import runner

LOGIN = "textback_app"


@contextmanager
def _away(connection: psycopg.Connection) -> Iterator[None]:
    """Let nobody but the owner in, and end the connections that there are."""
    connection.execute(f"alter role {LOGIN} nologin")
    connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (LOGIN,)
    )
    try:
        yield
    finally:
        connection.execute(f"alter role {LOGIN} login")


@pytest.mark.parametrize("steps", [1, 2], ids=["around a checkpoint", "around two"])
def test_an_answer_waits_until_postgres_is_back(
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    tmp_path: Path,
    steps: int,
) -> None:
    """Away while the kind works, saves its checkpoint and ends: succeeded at the first attempt."""
    marks = tmp_path / "marks"
    database = Database(settings, pool_size=2)
    job_id = make_job(
        database,
        settings,
        person_a.id,
        params={"steps": steps, "step_seconds": 2, "marks": str(marks)},
    )
    ended: list[str] = []

    def work() -> None:
        ended.append(runner.run(job_id, worker="a worker", database=database, settings=settings))

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(marks.exists, what="the kind at work")
    with _away(owner_connection):
        thread.join(2 * steps + 1)
        assert thread.is_alive(), "it ended while nobody could write"
    thread.join(30)
    assert ended == [f"succeeded with {steps}"]
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.attempt, job.result_count) == ("succeeded", 1, steps)
    database.dispose()
