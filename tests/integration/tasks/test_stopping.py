"""Stopping what runs: by its person, by its limits, and with its worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import make_job, read_job
from processes import Processes, wait_for

from models import Database, Job, Settings
from tasks import cancellation, dispatch

Ended = Callable[..., Job]


@pytest.fixture
def worker(processes: Processes) -> None:
    """One worker with one child, and nothing else: no beat, no upkeep."""
    processes.start("worker", "--concurrency", "1")
    wait_for(lambda: "ready" in processes.log(), what="the worker")


def cancel(database: Database, person: Person, job_id: UUID) -> str:
    with database.owner(person.id) as session:
        ended = cancellation.cancel(session, job_id)
    assert ended is not None
    return ended.status


@pytest.mark.usefixtures("worker")
def test_a_running_job_stops_within_a_heartbeat_and_keeps_what_it_had(
    database: Database,
    settings: Settings,
    person_a: Person,
    ended: Ended,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """What was found last is there, though it was never written while the job ran.

    Demand: 002-18, 004-29
    """
    marks = tmp_path / "marks"
    params = {"marks": str(marks), "steps": 100, "step_seconds": 0.2}
    job_id = make_job(database, settings, person_a.id, kind="collects", params=params)
    wait_for(lambda: marks.exists() and len(marks.read_text().splitlines()) > 4, what="findings")
    asked_at = time.monotonic()
    assert cancel(database, person_a, job_id) == "running"
    job = ended(job_id, seconds=5)
    record_property("seconds", round(time.monotonic() - asked_at, 2))
    found = [int(line.split()[1]) for line in marks.read_text().splitlines()]
    assert (job.status, job.partial, job.error_code) == ("cancelled", True, None)
    assert job.result is not None
    assert job.result["found"] in (found, [*found, found[-1] + 1])
    assert job.result_count == len(job.result["found"])
    assert job.progress_done is not None and job.progress_done >= len(found) - 1


@pytest.mark.usefixtures("worker")
def test_an_answer_so_far_is_shown_while_the_job_runs_and_replaced_at_its_end(
    database: Database, settings: Settings, person_a: Person, ended: Ended
) -> None:
    params = {"steps": 25, "step_seconds": 0.2}
    job_id = make_job(database, settings, person_a.id, kind="collects", params=params)

    def part() -> Job | None:
        job = read_job(database, person_a.id, job_id)
        return job if job.partial else None

    seen = wait_for(part, what="a part of the answer")
    assert (seen.status, seen.result_count) == ("running", len((seen.result or {})["found"]))
    job = ended(job_id)
    assert (job.status, job.partial, job.result_count) == ("succeeded", False, 25)
    assert job.result == {"found": list(range(25))}


@pytest.mark.usefixtures("worker")
def test_a_kind_that_ignores_a_cancel_loses_its_process(
    database: Database,
    settings: Settings,
    person_a: Person,
    ended: Ended,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """The job ends cancelled with its part, and the only slot of the worker is free again."""
    marks = tmp_path / "marks"
    params = {"marks": str(marks), "steps": 60, "step_seconds": 1}
    job_id = make_job(database, settings, person_a.id, kind="ignores_stop", params=params)
    wait_for(marks.exists, what="the start")
    asked_at = time.monotonic()
    assert cancel(database, person_a, job_id) == "running"
    next_one = make_job(database, settings, person_a.id)
    job = ended(job_id, seconds=15)
    record_property("seconds", round(time.monotonic() - asked_at, 2))
    assert (job.status, job.partial, job.result) == ("cancelled", True, {"found": [1, 2, 3]})
    assert ended(next_one, seconds=10).status == "succeeded"
    assert "end" not in marks.read_text()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(("asks", "outcome"), [(False, "failed"), (True, "cancelled")])
def test_native_code_that_hears_nothing_is_killed_at_the_hard_limit(
    database: Database,
    settings: Settings,
    person_a: Person,
    ended: Ended,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asks: bool,
    outcome: str,
) -> None:
    """No thread of that process runs any more; the main process notices, long before the lease.

    Demand: 002-45
    """
    # The wish to stop is to be there before it is killed.
    monkeypatch.setattr(dispatch, "_KILL_AFTER_SECONDS", 4 if asks else 1)
    marks = tmp_path / "marks"
    began = time.monotonic()
    params = {"marks": str(marks)}
    job_id = make_job(database, settings, person_a.id, kind="holds_everything", params=params)
    wait_for(marks.exists, what="the start")
    if asks:
        cancel(database, person_a, job_id)
    job = ended(job_id, seconds=20)
    assert time.monotonic() - began < settings.lease_seconds / 2
    assert (job.status, job.attempt) == (outcome, 1)
    assert job.error_code == ("time_limit" if outcome == "failed" else None)
    other = make_job(database, settings, person_a.id)
    assert ended(other, seconds=10).status == "succeeded"


@pytest.mark.usefixtures("worker")
def test_a_killed_child_is_noticed_at_once(
    database: Database,
    settings: Settings,
    person_a: Person,
    ended: Ended,
    tmp_path: Path,
    owner_connection: psycopg.Connection,
) -> None:
    """kill -9 in mid-job: the same worker goes on from the checkpoint, without beat or lease.

    Demand: 002-47, 003-13, 004-15, 004-34
    """
    marks = tmp_path / "marks"
    params = {"marks": str(marks), "steps": 30, "step_seconds": 0.2}
    job_id = make_job(database, settings, person_a.id, params=params)
    wait_for(lambda: (read_job(database, person_a.id, job_id).progress_done or 0) >= 2)
    killed_at = time.monotonic()
    os.kill(int(marks.read_text().split()[2]), signal.SIGKILL)
    wait_for(lambda: marks.read_text().count("start") == 2, seconds=10, what="the next attempt")
    assert time.monotonic() - killed_at < 5
    job = ended(job_id)
    assert (job.status, job.attempt) == ("succeeded", 2)
    assert job.result is not None and job.result["began_at"] >= 2
    told = owner_connection.execute(
        "select event, detail->>'code' from job_events where job_id = %s order by id", (job_id,)
    ).fetchall()
    assert [row[0] for row in told] == ["enqueued", "claimed", "rescued", "claimed", "succeeded"]
    assert told[2][1] == "worker_lost"


@pytest.mark.usefixtures("worker")
def test_a_poisonous_job_runs_out_of_attempts_in_seconds(
    database: Database, settings: Settings, person_a: Person, ended: Ended, tmp_path: Path
) -> None:
    """Each death counts at once; the lease of half a minute is never waited for."""
    marks = tmp_path / "marks"
    poison = make_job(database, settings, person_a.id, kind="deadly", params={"marks": str(marks)})
    job = ended(poison, seconds=20)
    assert (job.status, job.error_code, job.attempt) == ("failed", "worker_lost", 2)
    assert len(marks.read_text().splitlines()) == 2


@pytest.mark.usefixtures("worker")
def test_a_job_that_takes_too_much_memory_fails_by_that_name(
    database: Database, settings: Settings, person_a: Person, ended: Ended, tmp_path: Path
) -> None:
    """And its process is as good as before for the next one."""
    marks = tmp_path / "marks"
    params = {"marks": str(marks), "steps": 50}
    greedy = make_job(database, settings, person_a.id, kind="hungry", params=params)
    job = ended(greedy)
    assert (job.status, job.error_code, job.attempt) == ("failed", "memory_limit", 1)
    assert "memory" in (job.error_message or "")
    modest = make_job(database, settings, person_a.id, kind="hungry", params={"steps": 3})
    assert ended(modest).status == "succeeded"


def test_a_worker_does_not_wait_for_native_code(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SIGTERM while no thread of the child can run: it is handed back, and killed in seconds."""
    monkeypatch.setattr(dispatch, "_KILL_AFTER_SECONDS", 120)
    marks = tmp_path / "marks"
    params = {"marks": str(marks)}
    job_id = make_job(database, settings, person_a.id, kind="holds_everything", params=params)
    worker = processes.start("worker", "--concurrency", "1")
    wait_for(marks.exists, what="the start")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.attempt) == ("queued", 0)


def test_a_job_that_is_done_at_once_writes_its_claim_and_its_end_alone(
    database: Database, settings: Settings, person_a: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its steps are told all the same; each visible change would have raised the version."""
    from tasks import heartbeat, runner

    for wait in ("STAGE_SECONDS", "TICK_SECONDS"):
        monkeypatch.setattr(heartbeat, wait, 30)
    job_id = make_job(database, settings, person_a.id, kind="collects", params={"steps": 5})
    runner.run(job_id, worker="here", database=database, settings=settings)
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.version) == ("succeeded", 3)
    assert (job.progress, job.progress_done, job.progress_total) == (100, 5, 5)
    assert (job.progress_unit, job.partial) == ("steps", False)


def test_a_worker_does_not_wait_long_for_a_kind_that_ignores_its_stop(
    database: Database, settings: Settings, person_a: Person, processes: Processes, tmp_path: Path
) -> None:
    """SIGTERM: another worker has the job at once, and the first one is gone in seconds."""
    marks = tmp_path / "marks"
    params = {"marks": str(marks), "steps": 60, "step_seconds": 1}
    job_id = make_job(database, settings, person_a.id, kind="ignores_stop", params=params)
    stopped = processes.start("worker", "--name", "first", "--concurrency", "1")
    wait_for(marks.exists, what="the start")
    processes.start("worker", "--name", "second", "--concurrency", "1")
    wait_for(lambda: "ready" in processes.log(), what="the second worker")
    stopped_at = time.monotonic()
    os.kill(stopped.pid, signal.SIGTERM)
    wait_for(lambda: marks.read_text().count("start") == 2, seconds=5, what="the second start")
    assert time.monotonic() - stopped_at < 2
    assert stopped.wait(20) == 0
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.attempt) == ("running", 1)
    assert (job.worker or "").startswith("second@")
