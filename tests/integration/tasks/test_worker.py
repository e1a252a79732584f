"""Jobs done by real workers: what is lost on the way is found again in the rows."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from cast import Person
from factories import make_job, read_job
from processes import Processes, wait_for
from sqlalchemy import text

from models import Database, Job, Settings
from tasks import runner
from tasks.errors import JobFailedError
from webapp.embedded.postgres import EmbeddedPostgres

LEASE = {"LEASE_SECONDS": "3"}


def test_a_worker_does_what_was_submitted(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    ended: Callable[..., Job],
) -> None:
    """Submit, claim, run, record, in processes of their own.

    Demand: 000-6, 003-1, 003-17
    """
    job_id = make_job(database, settings, person_a.id, params={"steps": 5})
    processes.start("worker", "--concurrency", "1")
    job = ended(job_id)
    assert (job.status, job.result, job.result_count) == (
        "succeeded",
        {"counted": 5, "began_at": 0},
        5,
    )
    assert (job.progress, job.progress_done, job.progress_total) == (100, 5, 5)
    assert job.worker is not None and job.worker.startswith("work@")


def test_a_job_ends_failed_with_a_sentence_and_no_private_detail(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    sweeps: Callable[[], None],
    ended: Callable[..., Job],
) -> None:
    """A hopeless job fails at once, a broken one after its attempts. Demand: 002-30"""
    hopeless = make_job(database, settings, person_a.id, kind="hopeless")
    odd = make_job(database, settings, person_a.id, kind="unstorable")
    broken = make_job(database, settings, person_a.id, kind="broken")
    processes.start("worker", "--concurrency", "1")
    sweeps()
    first, second, third = ended(hopeless), ended(odd), ended(broken)
    assert (first.status, first.error_code, first.attempt) == ("failed", "hopeless", 1)
    assert first.error_message == "There is no hope for this one."
    assert (second.error_code, second.attempt) == ("result_unstorable", 1)
    assert (third.status, third.error_code, third.attempt) == ("failed", "internal_error", 2)
    assert "private" not in str(third.error_message)


def test_a_job_whose_message_was_lost_still_runs(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    sweeps: Callable[[], None],
    ended: Callable[..., Job],
    valkey_client: redis.Redis,  # type: ignore[type-arg]
) -> None:
    """Redis is emptied between submit and claim; nothing that matters was in it. Demand: 001-8"""
    job_id = make_job(database, settings, person_a.id)
    wait_for(lambda: valkey_client.llen("interactive"), what="the hint")
    valkey_client.flushall()
    processes.start("worker", "--concurrency", "1")
    sweeps()
    job = ended(job_id)
    assert (job.status, job.attempt) == ("succeeded", 1)


def test_a_job_whose_worker_was_killed_goes_on_elsewhere_and_ends_once(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    sweeps: Callable[[], None],
    ended: Callable[..., Job],
    tmp_path: Path,
) -> None:
    """kill -9 in mid-job: another worker goes on from the checkpoint.

    Demand: 000-1, 002-31
    """
    marks = tmp_path / "marks"
    job_id = make_job(
        database,
        settings,
        person_a.id,
        params={"marks": str(marks), "steps": 20, "step_seconds": 0.4},
    )
    worker = processes.start("worker", "--concurrency", "1", **LEASE)

    def is_under_way() -> bool:
        return (read_job(database, person_a.id, job_id).progress_done or 0) >= 3

    wait_for(is_under_way, what="progress on the row")
    processes.kill(worker)
    seen = read_job(database, person_a.id, job_id)
    assert seen.status == "running"
    assert seen.progress == 100 * (seen.progress_done or 0) // 20 >= 15  # from the database
    sweeps()
    processes.start("worker", "--concurrency", "1", **LEASE)
    job = ended(job_id)
    assert (job.status, job.attempt) == ("succeeded", 2)
    assert job.result is not None and job.result["began_at"] >= 3
    lines = marks.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["start", "start", "end"]


def test_a_job_that_kills_its_worker_ends_after_its_attempts(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    sweeps: Callable[[], None],
    ended: Callable[..., Job],
    tmp_path: Path,
) -> None:
    """Attempts are counted when claimed, so a poisonous job cannot run for ever."""
    marks = tmp_path / "marks"
    job_id = make_job(database, settings, person_a.id, kind="deadly", params={"marks": str(marks)})
    processes.start("worker", "--concurrency", "1", **LEASE)
    sweeps()
    job = ended(job_id)
    assert (job.status, job.error_code, job.attempt) == ("failed", "worker_lost", 2)
    assert len(marks.read_text().splitlines()) == 2


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_worker_that_is_stopped_hands_its_job_back_at_once(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    ended: Callable[..., Job],
    owner_connection: psycopg.Connection,
    pool: str,
) -> None:
    """SIGTERM in mid-job: another worker goes on, the attempt does not count, nobody waits.

    The lease is half a minute; the job ends long before it could lapse.
    """
    job_id = make_job(database, settings, person_a.id, params={"steps": 28, "step_seconds": 0.25})
    stopped = processes.start("worker", "--name", "first", "--concurrency", "1", "--pool", pool)

    def is_under_way() -> bool:
        return (read_job(database, person_a.id, job_id).progress_done or 0) >= 2

    wait_for(is_under_way, what="progress")
    processes.start("worker", "--name", "second", "--concurrency", "1")
    os.kill(stopped.pid, signal.SIGTERM)
    job = ended(job_id, seconds=20)
    assert (job.status, job.attempt, job.max_attempts) == ("succeeded", 1, 3)
    assert job.worker is not None and job.worker.startswith("second@")
    assert job.result is not None and job.result["began_at"] >= 2
    assert stopped.wait(20) == 0
    told = owner_connection.execute(
        "select event from job_events where job_id = %s order by id", (job_id,)
    ).fetchall()
    assert [row[0] for row in told] == [
        "enqueued", "claimed", "handed_back", "claimed", "succeeded",
    ]  # fmt: skip


def test_a_death_counts_even_if_the_worker_is_stopped_before_it_notices(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    ended: Callable[..., Job],
    owner_connection: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """Handed back uncounted, a job that kills its workers would go round as they are replaced."""
    marks = tmp_path / "marks"
    job_id = make_job(
        database,
        settings,
        person_a.id,
        params={"marks": str(marks), "steps": 20, "step_seconds": 0.25},
    )
    stopped = processes.start("worker", "--name", "first", "--concurrency", "1")
    wait_for(lambda: marks.exists() and marks.read_text().endswith("\n"), what="the first attempt")
    os.kill(stopped.pid, signal.SIGSTOP)
    child = psutil.Process(int(marks.read_text().split()[2]))
    child.kill()
    wait_for(lambda: child.status() == psutil.STATUS_ZOMBIE, what="the child's end")
    os.kill(stopped.pid, signal.SIGTERM)
    os.kill(stopped.pid, signal.SIGCONT)
    processes.start("worker", "--name", "second", "--concurrency", "1")
    job = ended(job_id, seconds=20)
    assert (job.status, job.attempt) == ("succeeded", 2)
    told = owner_connection.execute(
        "select event from job_events where job_id = %s order by id", (job_id,)
    ).fetchall()
    assert [row[0] for row in told] == ["enqueued", "claimed", "rescued", "claimed", "succeeded"]


def test_a_frozen_worker_that_wakes_up_late_changes_nothing(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    sweeps: Callable[[], None],
    ended: Callable[..., Job],
    tmp_path: Path,
) -> None:
    """SIGSTOP past the lease, another worker finishes, SIGCONT: the late one is refused."""
    marks = tmp_path / "marks"
    job_id = make_job(
        database,
        settings,
        person_a.id,
        params={"marks": str(marks), "steps": 8, "step_seconds": 0.5},
    )
    frozen = processes.start("worker", "--name", "frozen", "--concurrency", "1", **LEASE)
    wait_for(marks.exists, what="the first attempt")
    os.killpg(frozen.pid, signal.SIGSTOP)
    sweeps()
    processes.start("worker", "--name", "awake", "--concurrency", "1", **LEASE)
    job = ended(job_id)
    assert (job.status, job.attempt) == ("succeeded", 2)
    os.killpg(frozen.pid, signal.SIGCONT)
    log = next((tmp_path / "logs").glob("*frozen*"))
    wait_for(lambda: "attempt ended" in log.read_text(), what="the late worker giving up")
    again = read_job(database, person_a.id, job_id)
    assert (again.version, again.finished_at, again.worker) == (
        job.version,
        job.finished_at,
        job.worker,
    )


def test_every_queue_answers_a_ping(processes: Processes, tmp_path: Path) -> None:
    """`textback worker ping` goes through Redis, a real worker and Postgres, for each queue."""
    processes.start("worker", "--concurrency", "1")
    processes.start("worker", "--queues", "notifications,maintenance", "--name", "small",
                    "--pool", "solo")  # fmt: skip
    asked = processes.start("worker", "ping", "--timeout", "30")
    assert asked.wait(60) == 0, processes.log()
    answers = processes.log().splitlines()
    assert [line.split(":")[0] for line in answers if "pong" in line] == [
        "interactive",
        "scheduled",
        "notifications",
        "maintenance",
    ]
    logs = "".join(path.read_text() for path in (tmp_path / "logs").glob("*.log"))
    assert "must be owner" not in logs  # Celery found its tables as it wants them


def test_ping_names_the_queue_nobody_serves(processes: Processes) -> None:
    """No worker: one sentence and a failing exit code."""
    asked = processes.start("worker", "ping", "--timeout", "0.5")
    assert asked.wait(60) == 2
    assert "no worker answered on the queue interactive" in processes.log()


def test_a_worker_with_a_login_above_row_security_does_not_start(
    processes: Processes, postgres: EmbeddedPostgres
) -> None:
    """The tables' owner is refused with a sentence, by prefork and solo alike. Demand: 002-32"""
    for pool in ("prefork", "solo"):
        worker = processes.start("worker", "--pool", pool, DATABASE_URL=postgres.owner_url())
        assert worker.wait(60) != 0
        assert "superuser" in processes.log()


def test_a_kinds_own_mistake_is_tried_again_and_says_nothing_private(
    database: Database,
    settings: Settings,
    person_a: Person,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A result that does not fit its own model is the kind's fault, not the person's."""
    job_id = make_job(database, settings, person_a.id, kind="careless")
    runner.run(job_id, worker="here", database=database, settings=settings)
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.attempt) == ("queued", 1)
    with database.owner(person_a.id) as session:
        session.execute(text('update jobs set params = \'{"steps": "typed by a person"}\''))
        session.execute(text("update jobs set not_before = null"))
    with pytest.raises(JobFailedError, match="not offered any more"):
        runner.run(job_id, worker="here", database=database, settings=settings)
    assert read_job(database, person_a.id, job_id).error_code == "not_understood"
    assert "typed by a person" not in caplog.text
