"""Measures how soon open pages hear of a change: 500 that watch one job, and 500 a job each.

    python -m benchmarks.watchers                  # half a minute

The web process is the product's own, as it is started everywhere. A script stands for the workers:
it commits progress as they do: of the job all watch once a second, of the others twenty a second.
The delay is from the end of that commit to the event on the watcher's socket; watchers, servers and
the script share the machine. Its exit code is 1 when one in a hundred waits more than 60 ms.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from benchmarks.machine import megabytes, percentile
from benchmarks.subjects import ROOT, Servers, Textback, wait_until
from benchmarks.throughput import POSTGRES_SETTINGS
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey

MOST_MS, WANTED_MS = 60.0, 25.0
ONE_EVERY_SECONDS, OTHERS_EVERY_SECONDS = 1.0, 25.0
PAGE_EVERY_SECONDS = 0.2
PORT = 8791
WORKERS = 2
ADDRESS = f"http://127.0.0.1:{PORT}"
_VERSION = text("select version from jobs where id = :id")


Seen = list[tuple[str, int, float]]


@dataclass(frozen=True)
class Job:
    """A running job, the attempt that holds it, and a token of its person."""

    id: UUID
    claim: Any
    token: str


class Updates:
    """The commits of workers, and when each was done."""

    def __init__(self, database: Any, settings: Any) -> None:
        self._database = database
        self._settings = settings
        self.done_at: dict[tuple[str, int], float] = {}

    def make_job(self, number: int) -> Job:
        """Make a job of a new person, and begin it."""
        from models import ApiToken, Claim, JobSource, User
        from tasks.submission import Submission, submit

        owner = uuid4()
        asked = Submission(kind="five_steps", params={}, source=JobSource.API, force=True)
        with self._database.owner(owner) as session:
            session.add(User(id=owner, locale="en"))
            session.flush()
            token = ApiToken.create(session, owner, f"watcher {number}")
            job_id = submit(session, self._settings, owner, asked).id
        with self._database.worker() as session:
            claim = Claim.take(
                session, job_id, worker="benchmark", lease_seconds=600, most_running=2
            )
        assert claim is not None
        return Job(job_id, claim, token)

    def report(self, job: Job, done: int) -> None:
        """Commit one step of progress."""
        from models import Progress, after_commit
        from tasks.wake import wake_on_commit

        progress = Progress(done % 100, done % 100, 100, "steps", f"step {done}")
        with self._database.worker() as session:
            job.claim.heartbeat(session, lease_seconds=600, progress=progress)
            version = session.scalar(_VERSION, {"id": job.id})
            # Before the wake-up, which the publishing thread may already send after it.
            after_commit(session, lambda: self._note(job, version))
            wake_on_commit(session, job.id)

    def _note(self, job: Job, version: int) -> None:
        self.done_at[str(job.id), version] = time.time()

    def run(self, one: Job, others: list[Job], seconds: float) -> None:
        """Report the one job every second and the others in turn, evenly.

        Two workers would not wait for each other, but here one process is both: so it does not
        report the one job in the moments in which it gathers, after another.
        """
        gap = OTHERS_EVERY_SECONDS / len(others)
        each = round(ONE_EVERY_SECONDS / gap)
        began = time.monotonic()

        def wait_until(tick: float) -> None:
            time.sleep(max(0.0, began + tick * gap - time.monotonic()))

        for tick in range(int(seconds / gap)):
            wait_until(tick)
            self.report(others[tick % len(others)], tick // len(others) + 1)
            if tick % each == 0:
                wait_until(tick + 0.75)
                self.report(one, tick // each + 1)


class Pages(threading.Thread):
    """Somebody who opens the first page again and again meanwhile."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.milliseconds: list[float] = []
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(PAGE_EVERY_SECONDS):
            began = time.monotonic()
            with urllib.request.urlopen(f"{ADDRESS}/", timeout=30) as answer:
                answer.read()
            self.milliseconds.append((time.monotonic() - began) * 1000)


class Watchers:
    """The process that holds the other ends of all streams."""

    def __init__(self, watched: list[tuple[str, str]]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.watched.watchers"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"port": PORT, "watched": watched}) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ready\n":
            raise SystemExit("the watchers could not connect")

    def end(self) -> Seen:
        """Return all that came: job, version and when."""
        told, _ = self._process.communicate("")
        return [tuple(one) for one in json.loads(told)]


def measure(folder: Path, count: int, seconds: float) -> bool:
    """Measure once and print the figures; whether they are good enough."""
    postgres = EmbeddedPostgres(folder / "postgres", settings=POSTGRES_SETTINGS)
    valkey = EmbeddedValkey(folder / "valkey")
    for server in (postgres, valkey):
        server.start()
        server.wait_ready()
    subject = Textback(Servers(postgres, valkey))
    subject.prepare()
    web = start_web(subject, folder)
    try:
        return follow(web, count, seconds)
    finally:
        web.terminate()
        web.wait(20)
        subject.close()
        valkey.stop()
        postgres.stop()


def start_web(subject: Textback, folder: Path) -> subprocess.Popen[bytes]:
    """Start the web process as `textback run` does."""
    with (folder / "web.log").open("wb") as log:
        web = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn_config",
                "--bind", f"127.0.0.1:{PORT}", "--workers", str(WORKERS),
                "benchmarks.watched.application:application",
            ],
            env=subject.environment(), cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    wait_until(_answers, seconds=30, every=0.1)
    return web


def follow(web: subprocess.Popen[bytes], count: int, seconds: float) -> bool:
    """Watch, change, and compare."""
    from models import Database, Settings

    settings = Settings.from_env()
    database = Database(settings)
    updates = Updates(database, settings)
    jobs = [updates.make_job(number) for number in range(count + 1)]
    one, others = jobs[0], jobs[1:]
    before = megabytes(web.pid)
    began = time.monotonic()
    watchers = Watchers(
        [(str(one.id), one.token)] * count + [(str(job.id), job.token) for job in others]
    )
    connected = time.monotonic() - began
    after = megabytes(web.pid)
    print(
        f"{2 * count} streams open after {connected:.1f} s; the web processes took {before:.0f} MB "
        f"before and {after:.0f} MB with them: {(after - before) * 500 / count:.0f} MB per 1,000"
    )
    pages = Pages()
    pages.start()
    updates.run(one, others, seconds)
    time.sleep(2)
    pages.is_over.set()
    pages.join()
    seen = watchers.end()
    database.dispose()
    is_good = tell("one job", count, seen, updates.done_at, {str(one.id)})
    is_good &= tell("a job each", 1, seen, updates.done_at, {str(job.id) for job in others})
    page = pages.milliseconds
    print(
        f"first page meanwhile: {len(page)} loads, p50 {percentile(page, 0.5):.0f} ms, "
        f"p99 {percentile(page, 0.99):.0f} ms"
    )
    return is_good


def tell(
    name: str, watchers: int, seen: Seen, done_at: dict[tuple[str, int], float], jobs: set[str]
) -> bool:
    """Print how late the events of these jobs were; whether that, and their number, is good."""
    changes = [key for key in done_at if key[0] in jobs]
    late = [
        (at - done_at[job, version]) * 1000
        for job, version, at in seen
        if job in jobs and (job, version) in done_at
    ]
    # A watcher may be told of two changes at once, by the newer one; the last must have come.
    newest: dict[str, int] = {}
    for job, version in changes:
        newest[job] = max(version, newest.get(job, 0))
    ends = sum(newest.get(job) == version for job, version, _ in seen)
    print(
        f"{name}: {len(changes)} changes, {len(late)} events; after the commit p50 "
        f"{percentile(late, 0.5):.1f} ms, p99 {percentile(late, 0.99):.1f} ms, "
        f"most {max(late):.1f} ms; the last change reached {ends} of {watchers * len(newest)}"
    )
    return percentile(late, 0.99) <= MOST_MS and ends == watchers * len(newest)


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--watchers", type=int, default=500, help="of one job, and of one each")
    parser.add_argument("--seconds", type=float, default=20)
    asked = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, aim: p99 {WANTED_MS:.0f} ms")
    with tempfile.TemporaryDirectory(prefix="textback-watchers-") as folder:
        is_good = measure(Path(folder), asked.watchers, asked.seconds)
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
