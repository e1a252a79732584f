"""A claim waits for no disk: what becomes of one that Postgres forgets, because it dies at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from cast import make_person
from factories import make_job
from pydantic import SecretStr

from models import Claim, Database, Progress, Settings
from models.errors import StaleFenceError
from models.migrations import migrate
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.processes import end_group, free_port, waits_for_end


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A durable Postgres of the test's own, which writes what nobody waits for when it has to."""
    server = EmbeddedPostgres(
        tmp_path / "postgres", port=free_port(), settings={"wal_writer_delay": "10s"}
    )
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@contextmanager
def opened(server: EmbeddedPostgres, settings: Settings) -> Iterator[tuple[Database, Settings]]:
    """Migrate its database and connect, as the login the product uses."""
    login = psycopg.conninfo.conninfo_to_dict(settings.database_url.get_secret_value())
    url = server.url(str(login["user"]), str(login["password"]))
    own = settings.model_copy(
        update={
            "database_url": SecretStr(url),
            "migration_database_url": SecretStr(server.owner_url()),
        }
    )
    migrate(own)
    database = Database(own)
    try:
        yield database, own
    finally:
        database.dispose()


def die_and_come_back(server: EmbeddedPostgres) -> None:
    """As in a power cut."""
    assert server.process is not None
    os.killpg(server.process.pid, signal.SIGKILL)
    assert waits_for_end(server.process, 10)
    end_group(server.process)
    server.start()
    server.wait_ready()


def take(database: Database, job_id: object, worker: str) -> Claim:
    """Claim a job as a worker does."""
    with database.worker_step() as step:
        claim = Claim.take(step, job_id, worker=worker, lease_seconds=30, most_running=2)  # type: ignore[arg-type]
    assert claim is not None
    return claim


def test_a_claim_that_postgres_forgot_lets_nobody_write_in_the_name_of_the_next(
    mortal: EmbeddedPostgres, settings: Settings
) -> None:
    """The job waits again as if nobody had come; the fence of its next claim is the same."""
    with opened(mortal, settings) as (database, own):
        owner = make_person(database)
        job_id = make_job(database, own, owner.id)
        first = take(database, job_id, "one/1/2")
        die_and_come_back(mortal)
        with closing(psycopg.connect(mortal.owner_url(), autocommit=True)) as connection:
            row = "select status, fence, attempt from jobs where id = %s"
            assert connection.execute(row, [job_id]).fetchone() == ("queued", 0, 0)
            with pytest.raises(StaleFenceError), database.worker_step() as step:
                first.heartbeat(step, lease_seconds=30)
            second = take(database, job_id, "two/1/2")
            assert second.fence == first.fence
            for write in (
                lambda step: first.heartbeat(step, lease_seconds=30),
                lambda step: first.heartbeat(step, lease_seconds=30, progress=Progress(percent=9)),
                lambda step: first.save_checkpoint(step, {"done": 1}),
                lambda step: first.save_partial(step, {"found": 1}, result_count=1),
                first.check,
                lambda step: first.succeed(step, {"found": 1}, result_count=1),
                lambda step: first.fail(step, "time_limit", "It took too long."),
                lambda step: first.retry(step, delay_seconds=1, code="x", message="x"),
            ):
                with pytest.raises(StaleFenceError), database.worker_step() as step:
                    write(step)
            with database.worker_step() as step:
                second.succeed(step, {"found": 2}, result_count=2)
            answer = "select status, attempt, result from jobs where id = %s"
            assert connection.execute(answer, [job_id]).fetchone() == (
                "succeeded", 1, {"found": 2},
            )  # fmt: skip


def test_what_a_worker_has_been_answered_at_the_end_outlives_postgres(
    mortal: EmbeddedPostgres, settings: Settings
) -> None:
    """The end waits for the disk, and takes along what was written before it."""
    with opened(mortal, settings) as (database, own):
        owner = make_person(database)
        job_id = make_job(database, own, owner.id)
        claim = take(database, job_id, "one/1/2")
        with database.worker_step() as step:
            claim.succeed(step, {"found": 1}, result_count=1)
        die_and_come_back(mortal)
        with closing(psycopg.connect(mortal.owner_url(), autocommit=True)) as connection:
            row = "select status, attempt, result from jobs where id = %s"
            assert connection.execute(row, [job_id]).fetchone() == ("succeeded", 1, {"found": 1})
            events = "select event from job_events where job_id = %s order by id"
            assert connection.execute(events, [job_id]).fetchall() == [
                ("enqueued",), ("claimed",), ("succeeded",),
            ]  # fmt: skip
