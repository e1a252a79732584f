"""A worker with quick jobs takes a message ahead for each child, and holds nobody up with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest
from cast import Person, make_person
from factories import make_job, read_job
from faults.proxy import Proxy
from processes import Processes, wait_for

from models import Database, Job, Settings
from tasks.publishing import flush

QUICK_JOBS = 150  # more than make a worker a quick one, even if one of them has to wait
# On a machine that does other things too, a quick job may look like a long one.
PATIENT = "import tasks.ahead; tasks.ahead.QUICK_SECONDS = 1.0"
StartQuick = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start_quick(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    ended: Callable[..., Job],
) -> StartQuick:
    """Start a worker that has learnt that its jobs are quick."""

    def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        worker = processes.start("worker", *arguments, first=PATIENT, **environment)
        jobs = [
            make_job(database, settings, person_a.id, params={"steps": 1})
            for _ in range(QUICK_JOBS)
        ]
        ended(jobs[-1], seconds=60)
        return worker

    return start


def test_what_is_held_behind_a_long_job_is_done_elsewhere(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    start_quick: StartQuick,
    processes: Processes,
    owner_connection: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """Fifty quick jobs, a long one, another quick one: it ends long before the long one does."""
    start_quick("--name", "first", "--concurrency", "1")
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


def freeze_when_idle(worker: subprocess.Popen[bytes]) -> None:
    """Stop a worker that has nothing in hand, so that what is sent then is there all at once."""
    from tasks.app import celery_app  # reads the environment

    def is_idle() -> bool:
        active = celery_app.control.inspect(timeout=5, limit=1).active() or {}
        return list(active.values()) == [[]]

    wait_for(is_idle, 10, "an idle worker")
    os.killpg(worker.pid, signal.SIGSTOP)


def wake(worker: subprocess.Popen[bytes]) -> None:
    """Let it go on, once all messages about its jobs are there."""
    flush()
    os.killpg(worker.pid, signal.SIGCONT)


def pid_of(worker: str | None) -> int:
    """Return the process of a child, by what it is called in the rows."""
    assert worker is not None
    return int(worker.rpartition("/")[2])


def held_messages() -> list[str]:
    """Return the jobs whose messages a worker has, and has not seen begin."""
    from tasks.app import celery_app

    replies = celery_app.control.inspect(timeout=5, limit=1).reserved() or {}
    return [message["args"][0] for held in replies.values() for message in held]


def test_what_waits_behind_a_long_job_keeps_no_child_idle(
    database: Database,
    settings: Settings,
    person_a: Person,
    start_quick: StartQuick,
) -> None:
    """One worker with two children: a long job, and ten quick ones in the moment it begins."""
    worker = start_quick("--concurrency", "2")
    freeze_when_idle(worker)
    params = {"steps": 1, "step_seconds": 30}
    long = make_job(database, settings, person_a.id, params=params)
    people = [make_person(database).id for _ in range(10)]
    behind = [make_job(database, settings, one, params={"steps": 1}) for one in people]
    wake(worker)

    def all_ended() -> bool:
        rows = zip(people, behind, strict=True)
        return {read_job(database, *row).status for row in rows} == {"succeeded"}

    wait_for(all_ended, 15, "the quick jobs")
    assert read_job(database, person_a.id, long).status == "running"


def test_a_worker_that_stops_begins_nothing_that_waits(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    start_quick: StartQuick,
    processes: Processes,
    owner_connection: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """The long job is handed back; the one behind it in the same child goes to another worker."""
    worker = start_quick("--name", "first", "--concurrency", "1")
    freeze_when_idle(worker)
    marks = tmp_path / "marks"
    params = {"steps": 60, "step_seconds": 0.5, "marks": str(marks)}
    long = make_job(database, settings, person_a.id, params=params)
    behind = make_job(database, settings, person_b.id, params={"steps": 60, "step_seconds": 0.5})
    wake(worker)
    wait_for(marks.exists, what="the long job at work")
    processes.start("worker", "--name", "second", "--concurrency", "2")
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait(20) == 0

    def workers() -> list[tuple[str]]:
        return owner_connection.execute(
            "select split_part(detail ->> 'worker', '@', 1) from job_events "
            "where job_id = any(%s) and event = 'claimed' order by id",
            ([long, behind],),
        ).fetchall()

    wait_for(lambda: len(workers()) == 3, 20, "both with the second worker")
    assert workers() == [("first",), ("second",), ("second",)]


def test_what_waits_in_a_child_when_redis_is_lost_is_still_ended_by_its_limit(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    start_quick: StartQuick,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Celery forgets with a connection what no child has begun, and would forget this one's end."""
    monkeypatch.setattr("tasks.dispatch._KILL_AFTER_SECONDS", 1)
    url = settings.redis_url.get_secret_value()
    with closing(Proxy.to(url)) as proxy:
        worker = start_quick("--concurrency", "1", REDIS_URL=proxy.through(url))
        freeze_when_idle(worker)
        marks = tmp_path / "marks"
        params = {"steps": 1, "step_seconds": 10, "marks": str(marks)}
        long = make_job(database, settings, person_a.id, params=params)
        hung = make_job(database, settings, person_b.id, kind="holds_everything")
        wake(worker)
        wait_for(marks.exists, what="the long job at work")
        wait_for(lambda: str(hung) in held_messages(), what="the other one behind it")
        before = proxy.accepted
        proxy.reset_connections()
        wait_for(lambda: proxy.accepted > before, what="the worker back at Redis")
        child = wait_for(
            lambda: read_job(database, person_b.id, hung).worker, what="the other one at work"
        )
        wait_for(lambda: not psutil.pid_exists(pid_of(child)), 15, "its end")
        assert read_job(database, person_a.id, long).attempt == 1


def test_a_child_that_dies_takes_neither_of_its_messages_along(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    start_quick: StartQuick,
    ended: Callable[..., Job],
    tmp_path: Path,
) -> None:
    """One child, with a long job and another behind it; after it comes the next, as good as new."""
    worker = start_quick("--concurrency", "1")
    freeze_when_idle(worker)
    marks = tmp_path / "marks"
    params = {"steps": 1, "step_seconds": 6, "marks": str(marks)}
    long = make_job(database, settings, person_a.id, params=params)
    behind = make_job(database, settings, person_b.id, params={"steps": 1})
    wake(worker)
    wait_for(marks.exists, what="the long job at work")
    os.kill(pid_of(read_job(database, person_a.id, long).worker), signal.SIGKILL)
    for person, job in ((person_b, behind), (person_a, long)):
        wait_for(
            lambda whose=person.id, job=job: read_job(database, whose, job).status == "succeeded",
            30,
            "a job of the child that died",
        )
    assert read_job(database, person_a.id, long).attempt == 2
    more = [make_job(database, settings, person_a.id, params={"steps": 1}) for _ in range(5)]
    ended(more[-1], seconds=15)
