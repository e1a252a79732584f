"""What is measured: Textback, the plain Celery version and Celery alone, behind one interface."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import psycopg
import redis

from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).parents[1]
CONCURRENCY = 2
JOBS_PER_PERSON = 2  # as many as may run at once: each job has its turn when it is submitted


@dataclass
class Servers:
    """The servers all subjects share."""

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey


@dataclass
class Subject(ABC):
    """One way to do a job."""

    name: ClassVar[str]
    queue: ClassVar[str] = "celery"
    redis_database: ClassVar[int]
    database: ClassVar[str | None] = None

    servers: Servers
    polls: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.redis = redis.Redis.from_url(self.servers.valkey.url(self.redis_database))
        self._connection: psycopg.Connection | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make the tables, and what the first job would have to wait for."""

    @abstractmethod
    def worker_command(self) -> list[str]:
        """Return how its worker is started."""

    def before(self, count: int) -> None:  # noqa: B027 - some need nothing
        """Make ready for this many jobs."""

    @abstractmethod
    def enqueue(self) -> UUID:
        """Ask for one job, as its web process does."""

    def after(self) -> None:  # noqa: B027
        """Close what enqueueing used."""

    def environment(self) -> dict[str, str]:
        """Return what its processes need to know."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "benchmarks/kinds")]),
        }

    def is_drained(self) -> bool:
        """Tell whether no job waits or runs."""
        return not self._ask(self.waiting_sql)[0]

    waiting_sql: ClassVar[str] = ""
    last_end_sql: ClassVar[str] = ""
    times_sql: ClassVar[str] = ""

    def last_end(self) -> float:
        """Return when the last job ended, by its row."""
        return float(self._ask(self.last_end_sql)[0])

    def times(self) -> dict[UUID, tuple[float, float]]:
        """Map each ended job to (work began, end recorded)."""
        with psycopg.connect(self.servers.postgres.owner_url(self.database)) as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(self.times_sql)}

    def commits(self) -> int:
        """Return the commits in its database; complete once its connections are closed."""
        if self.database is None:
            return 0
        with psycopg.connect(self.servers.postgres.owner_url("postgres")) as connection:
            found = connection.execute(
                "select xact_commit from pg_stat_database where datname = %s", [self.database]
            ).fetchone()
        assert found is not None
        return int(found[0])

    def close(self) -> None:
        """Close the connection that watches the rows."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, sql: str) -> tuple[float]:
        if self._connection is None:
            self._connection = psycopg.connect(
                self.servers.postgres.owner_url(self.database), autocommit=True
            )
        self.polls += 1
        row = self._connection.execute(sql).fetchone()
        assert row is not None
        return row  # type: ignore[return-value]


class Textback(Subject):
    """The product: its own worker, a kind from another package, its own submit."""

    name = "textback"
    queue = "interactive"
    redis_database = 0
    database = "textback"
    waiting_sql = "select exists(select from jobs where status in ('queued', 'running'))"
    last_end_sql = "select extract(epoch from max(finished_at)) from jobs"
    times_sql = (
        "select id, (result ->> 'began')::float, extract(epoch from finished_at)::float from jobs"
    )

    def environment(self) -> dict[str, str]:
        login = self.servers.postgres.url("textback_app", "only-for-benchmarks-0123456789")
        return super().environment() | {
            "DATABASE_URL": login,
            "MIGRATION_DATABASE_URL": self.servers.postgres.owner_url(),
            "REDIS_URL": self.servers.valkey.url(self.redis_database),
            "SECRET_KEY": "s" * 32,
            "LINK_KEY": "l" * 32,
            "PHONE_CIPHER_KEY": "c" * 32,
            "PHONE_HASH_KEY": "h" * 32,
            "SMS_PROVIDER": "none",
            "DATA_DIR": str(self.servers.postgres.folder.parent / "data"),
        }

    def prepare(self) -> None:
        os.environ.update(self.environment())
        sys.path.append(str(ROOT / "benchmarks/kinds"))
        from models import Settings
        from models.migrations import migrate

        self._settings = Settings.from_env()
        migrate(self._settings)

    def worker_command(self) -> list[str]:
        return [sys.executable, "-m", "webapp.cli", "worker", "--concurrency", str(CONCURRENCY)]

    def before(self, count: int) -> None:
        from models import Database

        people = [uuid4() for _ in range(-(-count // JOBS_PER_PERSON))]
        with psycopg.connect(self.servers.postgres.owner_url()) as connection:
            connection.execute("truncate users cascade")
            connection.execute("insert into users (id) select unnest(%s::uuid[])", [people])
        self._owners = [person for person in people for _ in range(JOBS_PER_PERSON)]
        self._database = Database(self._settings)

    def enqueue(self) -> UUID:
        from models import JobSource
        from tasks.submission import Submission, submit

        owner = self._owners.pop()
        submission = Submission(kind="five_steps", params={}, source=JobSource.API)
        with self._database.owner(owner) as session:
            return submit(session, self._settings, owner, submission).id

    def after(self) -> None:
        self._database.dispose()


class Naive(Subject):
    """The plain Celery version: rows by the ORM, each step committed, Celery's result backend."""

    name = "naive"
    redis_database = 1
    database = "naive"
    waiting_sql = "select exists(select from jobs where status <> 'done')"
    last_end_sql = "select extract(epoch from max(finished_at)) from jobs"
    times_sql = (
        "select id, (result ->> 'began')::float, extract(epoch from finished_at)::float from jobs"
    )

    def environment(self) -> dict[str, str]:
        url = self.servers.postgres.owner_url(self.database)
        return super().environment() | {
            "NAIVE_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://"),
            "NAIVE_REDIS_URL": self.servers.valkey.url(self.redis_database),
        }

    def prepare(self) -> None:
        with psycopg.connect(self.servers.postgres.owner_url(), autocommit=True) as connection:
            connection.execute(f"create database {self.database}")
        os.environ.update(self.environment())
        from benchmarks.naive import app

        app.Base.metadata.create_all(app.engine)
        self._app = app

    def worker_command(self) -> list[str]:
        return [
            sys.executable, "-m", "celery", "--app", "benchmarks.naive.app:celery",
            "worker", "--concurrency", str(CONCURRENCY),
        ]  # fmt: skip

    def before(self, count: int) -> None:  # noqa: ARG002
        with psycopg.connect(self.servers.postgres.owner_url(self.database)) as connection:
            connection.execute("truncate jobs")
        self._context = self._app.flask_app.app_context()
        self._context.push()

    def enqueue(self) -> UUID:
        return self._app.create_job()

    def after(self) -> None:
        self._context.pop()
        self._app.engine.dispose()


class Bare(Subject):
    """Celery alone, with tasks that do nothing and no row: the ceiling of one worker node."""

    name = "bare celery"
    redis_database = 2

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "BARE_REDIS_URL": self.servers.valkey.url(self.redis_database)
        }

    def prepare(self) -> None:
        os.environ.update(self.environment())
        from benchmarks.naive import bare

        self._task = bare.nothing

    def worker_command(self) -> list[str]:
        return [
            sys.executable, "-m", "celery", "--app", "benchmarks.naive.bare:celery",
            "worker", "--concurrency", str(CONCURRENCY),
        ]  # fmt: skip

    def enqueue(self) -> UUID:
        job_id = uuid4()
        self._task.delay(str(job_id))
        return job_id

    def is_drained(self) -> bool:
        # There are no rows; what has not ended is in Redis.
        return not self.redis.llen(self.queue) and not self.redis.hlen("unacked")

    def last_end(self) -> float:
        return time.time()


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float) -> None:
    """Wait, or end the measurement with an error."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {seconds:.0f} s in vain")
        time.sleep(every)
