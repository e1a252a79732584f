"""Flower tells the same truth as the rows, and keeps it over a restart."""

from __future__ import annotations

import ast
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

from cast import Person
from factories import make_job, read_job
from flower_client import ask_flower
from processes import Processes, wait_for

from models import Database, Settings
from tasks.dispatch import send_job_hint
from webapp.processes import free_port


def test_flower_shows_how_each_job_ended_and_still_does_after_a_restart(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    tmp_path: Path,
) -> None:
    """One succeeded, one failed, one stale hint, each with its job id."""
    port = free_port()
    own = {"FLOWER_PORT": str(port), "DATA_DIR": str(tmp_path)}
    flower = processes.start("flower", **own)
    wait_for(lambda: ask_flower(port, "/healthcheck"), what="Flower")
    processes.start("worker", "--concurrency", "1")
    wait_for(
        lambda: b"work@" in (ask_flower(port, "/api/workers?refresh=1") or b""), what="a worker"
    )
    jobs = [make_job(database, settings, person_a.id, kind=k) for k in ("count_slowly", "hopeless")]
    wait_for(
        lambda: all(read_job(database, person_a.id, job).is_final for job in jobs), what="both"
    )
    send_job_hint(jobs[0], "count_slowly", "interactive")
    expected = {
        ("job.count_slowly", str(jobs[0]), "SUCCESS"),
        ("job.count_slowly", str(jobs[0]), "IGNORED"),
        ("job.hopeless", str(jobs[1]), "FAILURE"),
    }
    wait_for(lambda: _shown(port) == expected, what=f"three tasks, not {_shown(port)}")
    seen_at = time.time()
    # Every five seconds; a second later it has written all of it.
    wait_for(lambda: seen_at < _saved_at(tmp_path) < time.time() - 1, what="Flower having saved")
    processes.kill(flower)
    processes.start("flower", **own)
    wait_for(lambda: ask_flower(port, "/healthcheck"), what="Flower again")
    assert _shown(port) == expected


def _saved_at(folder: Path) -> float:
    """When Flower last wrote; which files that makes depends on Python's dbm."""
    return max((path.stat().st_mtime for path in folder.glob("flower*")), default=0)


def _shown(port: int) -> set[tuple[str, str, str]]:
    tasks = json.loads(ask_flower(port, "/api/tasks") or b"{}").values()
    return {
        (task["name"], ast.literal_eval(task["args"])[0], task["state"])
        for task in tasks
        if task["name"] and task["name"].startswith("job.")
    }


def test_flower_does_not_start_without_a_password_or_answer_without_login(
    processes: Processes, tmp_path: Path
) -> None:
    """Whoever reaches Flower can stop tasks, so it is never open."""
    refused = processes.start("flower", FLOWER_PASSWORD="")
    assert refused.wait(60) != 0
    assert "FLOWER_PASSWORD" in processes.log()
    port = free_port()
    processes.start("flower", FLOWER_PORT=str(port), DATA_DIR=str(tmp_path))
    wait_for(lambda: ask_flower(port, "/healthcheck"), what="Flower")
    for path in ("/", "/api/workers", "/api/tasks"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                raise AssertionError(f"{path} answered {answer.status} without a login")
        except urllib.error.HTTPError as error:
            assert error.code == 401
