"""Measures the whole life of a job against the plain Celery version of it, side by side.

    python -m benchmarks.throughput                # under 3 minutes
    python -m benchmarks.throughput --rounds 5

Every job is done at once, with five progress reports, so what is measured is the cost of keeping
it: row, claim, progress, result, events. The jobs are queued first; the clock runs from the moment
a warm worker sees them until the last row has ended. Rounds are interleaved, so that whatever else
the machine does falls on all alike. docs/PERFORMANCE.md says how to read the table.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import platform
import random
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.machine import cpu_seconds, megabytes, own_cpu_seconds, percentile
from benchmarks.subjects import CONCURRENCY, Bare, Naive, Servers, Subject, Textback, wait_until
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey
from webapp.processes import spawn

LEAST_RATIO, WANTED_RATIO = 5.0, 7.0
MOST_COMMITS = 3.0
WARM_UP = 60
PICKUPS = 100
STEADY_RATE, STEADY_SECONDS = 50, 5
PATIENCE_SECONDS = 120
# As Postgres comes; the embedded one is sized for a laptop. Commits are durable in both.
POSTGRES_SETTINGS = {"shared_buffers": "128MB", "max_wal_size": "1GB"}


@dataclass(frozen=True)
class Drain:
    """One round of one subject."""

    enqueued_per_second: float
    jobs_per_second: float
    commits: float
    main_ms: float
    children_ms: float
    postgres_ms: float
    redis_ms: float
    worker_mb: float


@dataclass(frozen=True)
class Latency:
    """How long single jobs took, in seconds from the call that asked for them."""

    pickup: list[float]
    steady: list[float]


class Worker:
    """A worker process of a subject: warm once the block begins, gone when it ends."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self._subject = subject
        self._log = folder / f"{subject.name.replace(' ', '-')}.log"

    def __enter__(self) -> Worker:
        self._process = spawn(
            self._subject.worker_command(),
            log=self._log,
            env=self._subject.environment(),
            death_signal=signal.SIGKILL,
        )
        self.pid = self._process.pid
        for _ in range(WARM_UP):
            self._subject.enqueue()
        self.wait_drained(every=0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            print(f"({self._subject.name}: its worker did not stop in 20 s)")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """Stop it where it stands, with its children."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def wait_drained(self, *, every: float) -> None:
        """Wait until no job is left."""

        def is_drained() -> bool:
            if self._process.poll() is not None:
                raise SystemExit(self._log.read_text()[-2000:])
            return self._subject.is_drained()

        wait_until(is_drained, seconds=PATIENCE_SECONDS, every=every)


def drain(subject: Subject, count: int, folder: Path) -> Drain:
    """Queue the jobs before a warm, frozen worker; the clock runs from its thaw to the last row."""
    subject.redis.flushdb()
    subject.before(count + WARM_UP)
    subject.polls = 0
    commits = subject.commits()
    with Worker(subject, folder) as worker:
        worker.freeze()
        began = time.time()
        for _ in range(count):
            subject.enqueue()
        # Hints may be published beside the transaction; one may wait in the worker's own socket.
        wait_until(lambda: subject.redis.llen(subject.queue) >= count - 1, seconds=30, every=0.005)
        enqueue_seconds = time.time() - began
        subject.after()
        before = _used(subject.servers, worker)
        began = time.time()
        worker.thaw()
        worker.wait_drained(every=0.02)
        seconds = subject.last_end() - began
        after = _used(subject.servers, worker)
        memory = megabytes(worker.pid)
        subject.close()
    # A server process hands its counters in when it ends at the latest. One commit is the insert's.
    jobs = count + WARM_UP
    commits = subject.commits() - commits - subject.polls - jobs
    used = [1000 * (end - start) / count for start, end in zip(before, after, strict=True)]
    return Drain(
        enqueued_per_second=count / enqueue_seconds,
        jobs_per_second=count / seconds,
        commits=commits / jobs if subject.database else 0,
        main_ms=used[0],
        children_ms=used[1],
        postgres_ms=used[2],
        redis_ms=used[3],
        worker_mb=memory,
    )


def latency(subject: Subject, folder: Path) -> Latency:
    """Ask for one job at a time of an idle worker, then for many a second."""
    subject.redis.flushdb()
    steady_count = STEADY_RATE * STEADY_SECONDS
    subject.before(PICKUPS + steady_count + WARM_UP)
    dice = random.Random(1)
    with Worker(subject, folder) as worker:
        single, steady = {}, {}
        for _ in range(PICKUPS):
            time.sleep(dice.uniform(0.02, 0.06))
            called = time.time()
            single[subject.enqueue()] = called
        worker.wait_drained(every=0.05)
        start = time.time()
        for number in range(steady_count):
            time.sleep(max(0.0, start + number / STEADY_RATE - time.time()))
            called = time.time()
            steady[subject.enqueue()] = called
        worker.wait_drained(every=0.05)
        subject.after()
        times = subject.times()
        subject.close()
    return Latency(
        pickup=[times[job_id][0] - called for job_id, called in single.items()],
        steady=[times[job_id][1] - called for job_id, called in steady.items()],
    )


def _used(servers: Servers, worker: Worker) -> tuple[float, float, float, float]:
    assert servers.postgres.process is not None
    assert servers.valkey.process is not None
    main = own_cpu_seconds(worker.pid)
    return (
        main,
        cpu_seconds(worker.pid) - main,
        cpu_seconds(servers.postgres.process.pid),
        cpu_seconds(servers.valkey.process.pid),
    )


def middle(drains: list[Drain]) -> Drain:
    """Return the medians, column by column."""
    names = [field.name for field in dataclasses.fields(Drain)]
    return Drain(**{name: median(getattr(one, name) for one in drains) for name in names})


def print_drains(subjects: list[Subject], drains: dict[str, list[Drain]]) -> None:
    """Print the table of the drains, medians of the rounds."""
    print(f"\n{'':14}{'':25}{'':16}CPU ms a job")
    head = ("jobs/s", "(least - most)", "commits/job", "main", "children", "Postgres", "Redis")
    print(
        ("{:14}" + "{:>9}{:>16}{:>13}" + "{:>10}" * 4).format("", *head) + "  enqueued/s  worker MB"
    )
    for subject in subjects:
        one = middle(drains[subject.name])
        rates = [drain.jobs_per_second for drain in drains[subject.name]]
        print(
            f"{subject.name:14}{one.jobs_per_second:9.0f}"
            f"{f'({min(rates):.0f} - {max(rates):.0f})':>16}{one.commits:13.2f}"
            f"{one.main_ms:10.2f}{one.children_ms:10.2f}{one.postgres_ms:10.2f}{one.redis_ms:10.2f}"
            f"{one.enqueued_per_second:12.0f}{one.worker_mb:11.0f}"
        )


def print_latencies(latencies: dict[str, Latency]) -> None:
    """Print how long single jobs took."""
    print(f"\n{'':14}  picked up, from the call, p50 / p99 ms   "
          f"recorded at {STEADY_RATE} jobs/s, p50 / p99 ms")  # fmt: skip
    for name, one in latencies.items():
        figures = [
            1000 * percentile(values, share)
            for values in (one.pickup, one.steady)
            for share in (0.5, 0.99)
        ]
        print("{:14}  {:18.1f} / {:5.1f} {:28.1f} / {:5.1f}".format(name, *figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1200, help="for textback; others in proportion")
    parser.add_argument("--only", help="one subject alone, e.g. textback, to profile it")
    parser.add_argument("--no-latency", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        servers = Servers(
            EmbeddedPostgres(folder / "postgres", settings=POSTGRES_SETTINGS),
            EmbeddedValkey(folder / "valkey"),
        )
        servers.postgres.start()
        servers.valkey.start()
        try:
            servers.postgres.wait_ready()
            servers.valkey.wait_ready()
            measure(servers, folder, options)
        finally:
            servers.postgres.stop()
            servers.valkey.stop()


def measure(servers: Servers, folder: Path, options: argparse.Namespace) -> None:
    """Run all rounds and print the tables; the exit code says whether the aims are met."""
    subjects = [make(servers) for make in (Naive, Textback, Bare)]
    if options.only:
        subjects = [subject for subject in subjects if subject.name.startswith(options.only)]
    for subject in subjects:
        subject.prepare()
    counts = {"naive": options.jobs // 4, "textback": options.jobs, "bare celery": options.jobs}
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, Postgres {servers.postgres.version} (fsync on), Valkey "
        f"{servers.valkey.version}, concurrency {CONCURRENCY}, {options.rounds} rounds of "
        f"{counts}, load before {os.getloadavg()[0]:.2f}"
    )
    drains: dict[str, list[Drain]] = {subject.name: [] for subject in subjects}
    for number in range(options.rounds):
        for subject in subjects:
            done = drain(subject, counts[subject.name], folder)
            drains[subject.name].append(done)
            print(
                f"round {number + 1}  {subject.name:12} {done.jobs_per_second:6.0f} jobs/s",
                flush=True,
            )
    latencies = {
        subject.name: latency(subject, folder)
        for subject in subjects
        if subject.times_sql and not options.no_latency
    }
    print_drains(subjects, drains)
    print_latencies(latencies)
    if options.only:
        return
    ratios = [
        ours.jobs_per_second / plain.jobs_per_second
        for ours, plain in zip(drains["textback"], drains["naive"], strict=True)
    ]
    ratio, commits = median(ratios), middle(drains["textback"]).commits
    print(
        f"\ntextback / naive: {ratio:.1f} ({min(ratios):.1f} - {max(ratios):.1f} by round); "
        f"at least {LEAST_RATIO:.0f}, aim {WANTED_RATIO:.0f}"
    )
    missed = []
    if ratio < LEAST_RATIO:
        missed.append(f"{ratio:.1f} times the plain version, not {LEAST_RATIO:.0f}")
    if commits > MOST_COMMITS:
        missed.append(f"{commits:.2f} commits a job, not {MOST_COMMITS:.0f}")
    raise SystemExit("; ".join(missed) or 0)


if __name__ == "__main__":
    main()
