"""The small process beside each worker: it sweeps without beat, and ends a worker that is deaf."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from cast import Person
from factories import make_job, read_job
from faults.proxy import Proxy
from processes import Processes, name_of, wait_for

from models import Database, Job, Settings
from webapp.console import Console
from webapp.processes import end_group, spawn
from webapp.supervisor import Child, Supervisor

Ended = Callable[..., Job]

# The product's own code, with less patience.
IN_A_HURRY = """
import tasks.sweeper as sweeper
sweeper.SWEEP_SECONDS, sweeper.DEAF_SECONDS, sweeper.STOP_SECONDS = 0.5, {deaf}, 2.0
from webapp.cli import main
main()
"""


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    """What stands between the worker and Redis."""
    proxy = Proxy.to(settings.redis_url.get_secret_value())
    yield proxy
    proxy.close()


@pytest.fixture
def hurried(
    environment: dict[str, str],
    settings: Settings,
    proxy: Proxy,
    processes: Processes,  # nothing else runs, and nothing is left to do
    tmp_path: Path,
) -> Iterator[Callable[..., Child]]:
    """Describe a worker with little patience, by way of the proxy."""
    made: list[Child] = []

    def make(deaf: float = 3.0, concurrency: int = 2) -> Child:
        redis_url = proxy.through(settings.redis_url.get_secret_value())
        environ = {**os.environ, **environment, "REDIS_URL": redis_url, "LEASE_SECONDS": "60"}
        log = tmp_path / "hurried.log"
        argv = [sys.executable, "-c", IN_A_HURRY.format(deaf=deaf), "worker"]
        argv += ["--concurrency", str(concurrency)]

        def start() -> object:
            return spawn(argv, log=log, env=environ, death_signal=signal.SIGKILL)

        def is_ready() -> bool:
            assert child.process is not None
            return f"sweeping for work@{os.uname().nodename}/{child.process.pid}" in log.read_text()

        child = Child("worker", start, log, is_ready=is_ready)  # type: ignore[arg-type]
        made.append(child)
        return child

    yield make
    for child in made:
        if child.process is not None and child.process.returncode is None:
            end_group(child.process)


def sweeper_of(pid: int) -> psutil.Process | None:
    children = psutil.Process(pid).children()
    return next((child for child in children if name_of(child) == "sweeper"), None)


def watch_until(supervisor: Supervisor, condition: Callable[[], object], seconds: float) -> None:
    """Watch in this thread, as the launcher does for ever, until something holds."""

    def stop_when_true() -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        supervisor.request_stop()

    thread = threading.Thread(target=stop_when_true)
    thread.start()
    supervisor.watch()
    thread.join()
    assert condition()


def test_without_beat_a_lost_message_is_replaced_and_a_lapsed_lease_found(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    ended: Ended,
    owner_connection: psycopg.Connection,
    valkey_client: redis.Redis,  # type: ignore[type-arg]
) -> None:
    """Beat is no single point of failure: every worker sweeps."""
    lost, stalled = (make_job(database, settings, person_a.id) for _ in range(2))
    wait_for(lambda: valkey_client.llen("interactive") == 2, what="the hints")
    valkey_client.flushall()
    owner_connection.execute(
        "update jobs set status = 'running', attempt = 1, fence = 1, worker = 'gone',"
        " lease_until = now() - interval '1 second' where id = %s",
        (stalled,),
    )
    processes.start("worker", "--concurrency", "1")
    assert (ended(stalled).status, ended(lost).status) == ("succeeded", "succeeded")
    assert read_job(database, person_a.id, stalled).attempt == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a killed parent")
def test_sweeper_is_started_again_and_ends_with_its_worker(processes: Processes) -> None:
    worker = processes.start("worker", "--concurrency", "1")
    first = wait_for(lambda: sweeper_of(worker.pid), what="the sweeper")
    first.kill()

    def another() -> psutil.Process | None:
        found = sweeper_of(worker.pid)
        return found if found is not None and found.pid != first.pid else None

    second = wait_for(another, seconds=20, what="another sweeper")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    _, alive = psutil.wait_procs([second], timeout=3)
    assert alive == []


@pytest.mark.skipif(sys.platform != "linux", reason="the test looks for processes by their name")
def test_sweeper_outlives_a_redis_that_is_away_and_ends_nobody_for_it(
    database: Database,
    settings: Settings,
    person_a: Person,
    proxy: Proxy,
    hurried: Callable[..., Child],
    ended: Ended,
) -> None:
    """A restart would bring Redis back no sooner, and would interrupt the jobs that run."""
    child = hurried(deaf=8.0)
    process = child.begin()
    sweeper = wait_for(lambda: sweeper_of(process.pid), what="the sweeper")
    wait_for(lambda: child.is_ready and child.is_ready(), what="its start")
    proxy.cut()
    job_id = make_job(database, settings, person_a.id)
    time.sleep(9)  # longer than a worker may be deaf
    assert "sweep failed" in child.log.read_text()
    proxy.heal()
    assert ended(job_id, seconds=60).status == "succeeded"
    assert sweeper.is_running()
    assert process.poll() is None


def test_deaf_worker_is_ended_and_started_again_and_operators_are_told(
    database: Database,
    settings: Settings,
    person_a: Person,
    proxy: Proxy,
    hurried: Callable[..., Child],
    ended: Ended,
    tmp_path: Path,
    owner_connection: psycopg.Connection,
) -> None:
    """A half-open connection, a free slot, and a job that waits. What runs is handed back."""
    marks = tmp_path / "marks"
    params = {"marks": str(marks), "steps": 60, "step_seconds": 0.25}
    with Supervisor(Console(io.StringIO())) as supervisor:
        child = hurried()
        supervisor.start(child)
        supervisor.wait_ready()
        assert child.process is not None
        first = child.process.pid
        running = make_job(database, settings, person_a.id, params=params)
        wait_for(marks.exists, what="a running job")
        proxy.swallow()
        time.sleep(1.5)  # longer than the worker's question to Redis takes to be answered
        proxy.heal()
        waiting = make_job(database, settings, person_a.id)

        def has_ended() -> bool:
            return read_job(database, person_a.id, waiting).is_final

        watch_until(supervisor, has_ended, seconds=40)
        assert child.process.pid != first
        assert read_job(database, person_a.id, waiting).status == "succeeded"
        job = read_job(database, person_a.id, running)
        assert (job.status, job.attempt) in (("running", 1), ("queued", 0))
    told = owner_connection.execute(
        "select detail->>'queue' from operator_events where event = 'worker_deaf' and subject = %s",
        (f"work@{os.uname().nodename}/{first}",),
    ).fetchall()
    assert told == [("interactive",)]


def test_hanging_worker_is_killed_and_its_jobs_go_on_elsewhere(
    database: Database,
    settings: Settings,
    person_a: Person,
    hurried: Callable[..., Child],
    processes: Processes,
    ended: Ended,
    tmp_path: Path,
) -> None:
    """Its main process answers no signal; the lease of a minute is not waited for."""
    marks = tmp_path / "marks"
    child = hurried(concurrency=1)
    process = child.begin()
    params = {"marks": str(marks), "steps": 20, "step_seconds": 0.25}
    running = make_job(database, settings, person_a.id, params=params)
    wait_for(marks.exists, what="a running job")
    os.kill(process.pid, signal.SIGSTOP)
    waiting = make_job(database, settings, person_a.id)
    wait_for(lambda: process.poll() == -signal.SIGKILL, seconds=30, what="the end of the worker")
    processes.start("worker", "--name", "other", "--concurrency", "2")
    assert ended(waiting).status == "succeeded"
    assert ended(running).status == "succeeded"
