"""Real workers on the test servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from processes import Processes

from models import Settings


@pytest.fixture
def processes(
    environment: dict[str, str],
    settings: Settings,
    owner_connection: psycopg.Connection,
    tmp_path: Path,
) -> Iterator[Processes]:
    """Commands of the product on servers in which no other test left anything to do."""
    owner_connection.execute("update jobs set status = 'cancelled' where status = 'queued'")
    owner_connection.execute("update jobs set status = 'cancelled' where status = 'running'")
    owner_connection.execute("delete from notifications")
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
