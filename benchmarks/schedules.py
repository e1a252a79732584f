"""Measures saved searches: whether any slot is missed or doubled, how late it is, and many at once.

    python -m benchmarks.schedules                    # ten minutes: 2,000 searches every minute
    python -m benchmarks.schedules --burst 100000     # as many that are due at the same moment

The first starts three beats and four workers (two of which only sweep), and kills and starts beats
at random all the while. At the end every slot of every search must have its one row, and as many
jobs as rows that say so. The second counts the seconds until all have their rows, and how long a
search that somebody submits meanwhile waits for its beginning.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.machine import megabytes, percentile
from benchmarks.subjects import Servers, Textback, wait_until
from benchmarks.throughput import POSTGRES_SETTINGS
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey
from webapp.processes import spawn

SEARCHES, MINUTES, BEATS = 2_000, 10, 3
KILL_EVERY_SECONDS = (4.0, 20.0)
AWAY_SECONDS = (0.5, 15.0)
MOST_LATE_SECONDS = 6.0
MOST_WAIT_SECONDS = 2.0
# Workers of jobs, which sweep beside, and workers of sweeps alone.
WORKERS = (
    ("jobs1", "--concurrency", "1"),
    ("jobs2", "--concurrency", "1"),
    ("sweeps1", "--queues", "maintenance", "--pool", "solo"),
    ("sweeps2", "--queues", "maintenance", "--pool", "solo"),
)
_SEARCHES = """
    insert into saved_searches
        (id, owner_id, name, kind, params, question_hash, cron_lines, time_zone, planned_until,
         next_slot_at)
    select gen_random_uuid(), id, 'every minute', 'five_steps', '{"steps": 1}', '\\x00', %s, 'UTC',
           %s, %s
    from users
"""


@dataclass
class Stage:
    """The product's processes on servers of their own."""

    subject: Textback
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        """Start one command of the product under a name."""
        self.processes[name] = spawn(
            [sys.executable, "-m", "webapp.cli", *command],
            log=self.folder / f"{name}.log",
            # A beat keeps its plan in a file of its own.
            env=self.subject.environment()
            | {"SPREAD_SECONDS": "20", "DATA_DIR": str(self.folder / name)},
            death_signal=signal.SIGKILL,
        )

    def kill(self, name: str) -> None:
        """End one, and what it has started, at once."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        """End all."""
        for name in list(self.processes):
            self.kill(name)

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """Ask the database, as who may see all."""
        url = self.subject.servers.postgres.owner_url()
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else []


def harass(stage: Stage, seed: int, seconds: float) -> int:
    """Kill beats and start them again, at random, for so long; return how many were killed."""
    choice = random.Random(seed)
    ends = time.monotonic() + seconds
    kills = 0
    while True:
        pause = choice.uniform(*KILL_EVERY_SECONDS)
        if time.monotonic() + pause > ends:
            time.sleep(max(0.0, ends - time.monotonic()))
            return kills
        time.sleep(pause)
        name = f"beat{choice.randrange(BEATS)}"
        stage.kill(name)
        kills += 1
        time.sleep(choice.uniform(*AWAY_SECONDS))
        stage.start(name, "beat")


def every_minute(stage: Stage, searches: int, minutes: float, seed: int) -> bool:
    """Let searches of every minute run under killed beats; whether no slot was lost or doubled."""
    from tasks.registry import kinds

    assert "five_steps" in kinds()
    stage.subject.before(searches * 2)
    begins = datetime.now(UTC)
    stage.ask(_SEARCHES, ["* * * * *"], begins, _next_minute(begins))
    for name, *command in WORKERS:
        stage.start(name, "worker", "--name", name, *command)
    for number in range(BEATS):
        stage.start(f"beat{number}", "beat")
    kills = harass(stage, seed, minutes * 60)
    ends = stage.ask("select clock_timestamp()")[0][0]
    time.sleep(MOST_LATE_SECONDS + 10)
    stage.end()
    rows = stage.ask(
        "select saved_search_id, slot_local, job_id, skipped,"
        " extract(epoch from decided_at - due_at)::float from occurrences where due_at <= %s",
        ends,
    )
    due = _minutes_between(begins, ends)
    slots = {(row[0], row[1]) for row in rows}
    missed = searches * len(due) - len(slots)
    jobs = stage.ask(
        "select count(distinct job_id), count(distinct jobs.id),"
        " count(distinct jobs.id) filter (where status = 'succeeded')"
        " from occurrences left join jobs on jobs.id = job_id where due_at <= %s",
        ends,
    )[0]
    # A job that no slot has asked for would be one too many.
    strays = stage.ask(
        "select count(*) from jobs where saved_search_id is not null"
        " and not exists (select from occurrences where job_id = jobs.id)"
    )[0][0]
    skipped: dict[str, int] = {}
    for row in rows:
        if row[3]:
            skipped[row[3]] = skipped.get(row[3], 0) + 1
    made = sum(row[2] is not None for row in rows)
    late = [row[4] for row in rows]
    missed += skipped.get("missed", 0) + skipped.get("superseded", 0)
    print(
        f"{searches} searches, {len(due)} slots each, {kills} beats killed: {len(rows)} rows, "
        f"{missed} missed, {len(rows) - len(slots)} doubled"
    )
    print(
        f"{made} became jobs ({jobs[1]} jobs, {jobs[2]} succeeded, {strays} of no slot), "
        f"skipped: {skipped or 'none'}"
    )
    print(
        f"dealt with after p50 {percentile(late, 0.5):.1f} s, p99 {percentile(late, 0.99):.1f} s, "
        f"most {max(late):.1f} s (aim {MOST_LATE_SECONDS:.0f})"
    )
    return (
        not missed
        and not strays
        and len(rows) == len(slots)
        and made == jobs[0] == jobs[1]
        and percentile(late, 0.99) <= MOST_LATE_SECONDS
    )


def all_at_once(stage: Stage, searches: int) -> bool:
    """Enqueue many searches that are due now; whether somebody's own begins soon all the while."""
    stage.subject.before(searches * 2)
    now = datetime.now(UTC)
    stage.ask(_SEARCHES, ["0 8 * * *"], now - timedelta(days=1), now - timedelta(seconds=1))
    # One slot each: the one that has just come.
    last = now.replace(second=0, microsecond=0)
    stage.ask(
        "update saved_searches set cron_lines = array[%s], planned_until = %s, next_slot_at = %s",
        f"{last.minute} {last.hour} * * *", last - timedelta(hours=1), last,
    )  # fmt: skip
    stage.ask("analyze saved_searches")
    began = time.monotonic()
    for name, *command in WORKERS:
        stage.start(name, "worker", "--name", name, *command)
    stage.start("beat0", "beat")
    _wait_for_own(stage)  # until a worker is there
    waits: list[float] = []
    most = 0.0
    count = 0
    while count < searches:
        waits.append(_wait_for_own(stage))
        most = max(
            most,
            *(megabytes(stage.processes[name].pid) for name, *_ in WORKERS),
        )
        count = stage.ask("select count(*) from occurrences")[0][0]
        if time.monotonic() - began > 600:
            raise SystemExit(f"{count} of {searches} after ten minutes")
    took = time.monotonic() - began
    first, last_at = stage.ask("select min(decided_at), max(decided_at) from occurrences")[0]
    jobs = stage.ask("select count(*) from jobs where source = 'schedule'")[0][0]
    after = [_wait_for_own(stage) for _ in range(10)]
    stage.end()
    print(
        f"{searches} searches due at once: {jobs} jobs written in "
        f"{(last_at - first).total_seconds():.1f} s (all there {took:.1f} s after the workers' "
        f"start); the largest worker took {most:.0f} MB"
    )
    print(
        f"somebody's own search meanwhile begins after p50 {percentile(waits, 0.5) * 1000:.0f} ms, "
        f"most {max(waits) * 1000:.0f} ms ({len(waits)}); with the rest waiting: most "
        f"{max(after) * 1000:.0f} ms (wanted {MOST_WAIT_SECONDS:.0f} s)"
    )
    return jobs == searches and max(waits + after) < MOST_WAIT_SECONDS


def _wait_for_own(stage: Stage) -> float:
    """Submit a search of a person who waits for it; return after how many seconds it begins."""
    job_id: UUID = stage.subject.enqueue()
    began = time.monotonic()
    wait_until(
        lambda: (
            stage.ask("select 1 from jobs where id = %s and started_at is not null", job_id) != []
        ),
        seconds=60,
        every=0.02,
    )
    return time.monotonic() - began


def _next_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _minutes_between(after: datetime, until: datetime) -> list[datetime]:
    found = []
    minute = _next_minute(after)
    while minute <= until:
        found.append(minute)
        minute += timedelta(minutes=1)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--searches", type=int, default=SEARCHES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--burst", type=int, help="measure so many that are due at once instead")
    asked = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="textback-schedules-") as name:
        folder = Path(name)
        servers = Servers(
            EmbeddedPostgres(folder / "postgres", settings=POSTGRES_SETTINGS),
            EmbeddedValkey(folder / "valkey"),
        )
        servers.postgres.start()
        servers.valkey.start()
        servers.postgres.wait_ready()
        servers.valkey.wait_ready()
        subject = Textback(servers)
        subject.prepare()
        stage = Stage(subject, folder)
        try:
            if asked.burst:
                is_good = all_at_once(stage, asked.burst)
            else:
                is_good = every_minute(stage, asked.searches, asked.minutes, asked.seed)
        finally:
            stage.end()
            servers.valkey.stop()
            servers.postgres.stop()
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
