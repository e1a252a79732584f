"""How many jobs a worker does at once, and what it keeps while it has none."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from cast import Person
from factories import make_job, read_job
from processes import Processes, name_of, wait_for

from models import Database, Settings
from webapp.embedded.postgres import EmbeddedPostgres


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a killed parent")
def test_worker_grows_with_its_work_and_shrinks_after_it(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    tmp_path: Path,
) -> None:
    """Two jobs run at the same time, a third waits; later one process is left.

    Demand: 004-42
    """
    marks = tmp_path / "marks"
    worker = processes.start("worker", "--concurrency", "2", AUTOSCALE_KEEPALIVE="1")
    wait_for(lambda: "ready" in processes.log(), what="the worker")

    def children() -> list[psutil.Process]:
        found = psutil.Process(worker.pid).children()
        return [child for child in found if name_of(child) not in ("sweeper", None)]

    def names() -> list[str | None]:
        return [name_of(child) for child in psutil.Process(worker.pid).children()]

    def words() -> list[str]:
        return [line.split()[0] for line in marks.read_text().splitlines()]

    # Until it has its name it looks like one of those that work.
    wait_for(lambda: "sweeper" in names(), what="the sweeper")
    assert len(children()) == 1
    params = {"marks": str(marks), "steps": 4, "step_seconds": 1}
    jobs = [make_job(database, settings, person_a.id, params=params) for _ in range(3)]
    wait_for(lambda: marks.exists() and len(words()) >= 2, what="two starts")
    assert len(children()) == 2
    wait_for(lambda: len(words()) == 6, what="three ends")
    assert words()[:3] == ["start", "start", "end"], "two at once, and no more"
    assert {read_job(database, person_a.id, job).attempt for job in jobs} == {1}
    wait_for(lambda: len(children()) == 1, what="the second process going")

    # And again, as often as there is work. Processes that came late end with the worker too.
    for _ in range(2):
        make_job(database, settings, person_a.id, params=params)
    wait_for(lambda: len(words()) == 8, what="two more starts")
    late = children()
    assert len(late) == 2
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    _, alive = psutil.wait_procs(late, timeout=3)
    assert alive == []


def test_idle_worker_keeps_no_connection_to_postgres(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    postgres: EmbeddedPostgres,
) -> None:
    """A deployment may have many workers, and Postgres has a hundred connections."""
    worker = psutil.Process(processes.start("worker", "--concurrency", "1").pid)
    port = urlsplit(postgres.url("", "")).port

    def connections() -> int:
        family = [worker, *worker.children()]
        found = [each for process in family for each in process.net_connections("tcp")]
        return sum(bool(each.raddr) and each.raddr.port == port for each in found)

    job_id = make_job(database, settings, person_a.id, params={"steps": 4, "step_seconds": 0.25})
    wait_for(connections, what="a connection while it works")
    wait_for(lambda: read_job(database, person_a.id, job_id).is_final, what="the end")
    wait_for(lambda: connections() == 0, seconds=5, what="no connection")
