"""Real workers on the test servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import redis
from cast import Person
from factories import read_job
from processes import Processes, wait_for

from models import Database, Job, Settings
from tasks.publishing import flush


@pytest.fixture
def no_other_texts(owner_connection: psycopg.Connection) -> None:
    """No text or code that another test left: a sender would take it before those of this test."""
    for table in ("notifications", "verification_codes", "texts_to_forget"):
        owner_connection.execute(f"delete from {table}")


@pytest.fixture
def processes(
    environment: dict[str, str],
    settings: Settings,
    owner_connection: psycopg.Connection,
    no_other_texts: None,
    tmp_path: Path,
) -> Iterator[Processes]:
    """Commands of the product on servers in which no other test left anything to do."""
    owner_connection.execute("update jobs set status = 'cancelled' where status = 'queued'")
    owner_connection.execute("update jobs set status = 'cancelled' where status = 'running'")
    flush()
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        client.flushall()
    processes = Processes(environment, tmp_path / "logs")
    yield processes
    processes.end()


@pytest.fixture
def valkey_client(settings: Settings) -> Iterator[redis.Redis]:  # type: ignore[type-arg]
    """A client that may do anything to the broker."""
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        yield client


@pytest.fixture
def sweeps(processes: Processes) -> Callable[[], None]:
    """Start beat and the worker that sweeps."""

    def start() -> None:
        processes.start("worker", "--queues", "maintenance", "--name", "maintenance",
                        "--pool", "solo")  # fmt: skip
        processes.start("beat")

    return start


@pytest.fixture
def ended(database: Database, person_a: Person) -> Callable[..., Job]:
    """Wait for a job of A to end and return it."""

    def wait(job_id: UUID, seconds: float = 40) -> Job:
        def look() -> Job | None:
            job = read_job(database, person_a.id, job_id)
            return job if job.is_final else None

        return wait_for(look, seconds, f"the end of job {job_id}")

    return wait
