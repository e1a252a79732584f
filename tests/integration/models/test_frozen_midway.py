"""A process that freezes between two things it sends, as a machine that is suspended.

Postgres ends a transaction whose client is silent, but only once it has answered all it was sent up
to a sync. Before that, the client's silence has no limit, and what is locked stays locked.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job, read_job
from processes import wait_for
from psycopg.waiting import Ready
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models import Database, Progress, Settings
from models.connection import Connection
from tasks.heartbeat import Heartbeat, Partial

IS_SILENT = "select state from pg_stat_activity where pid = %s and wait_event = 'ClientRead'"


class Watched(Connection):
    """Looks at its process of Postgres whenever nothing more may ever come from here."""

    watcher: psycopg.Connection[Any]
    seen: list[str]

    def _wait(self, gen: Any, interval: float, timeout: float) -> Any:
        return super()._wait(self._watched(gen), interval, timeout)

    def _watched(self, gen: Any) -> Generator[Any, Ready, Any]:
        ready: Ready | None = None
        try:
            while True:
                wanted = gen.send(ready)
                self._look()
                ready = yield wanted
        except StopIteration as end:
            self._look()
            return end.value

    def _look(self) -> None:
        """Let it do all that it has been sent, and note what it waits for us in."""
        pid = self.info.backend_pid
        row = wait_for(lambda: self.watcher.execute(IS_SILENT, [pid]).fetchone(), 10, "silence")
        self.seen.append(row[0])


@pytest.fixture
def one(settings: Settings) -> Iterator[Database]:
    """A pool of one connection."""
    database = Database(settings, pool_size=1)
    yield database
    database.dispose()


@pytest.fixture
def watched(
    settings: Settings, owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A pool whose connections are watched."""
    monkeypatch.setattr(Watched, "watcher", owner_connection, raising=False)
    monkeypatch.setattr(Watched, "seen", [], raising=False)
    database = Database(settings, pool_size=1)
    database.connection_class = Watched
    yield database
    database.dispose()


@pytest.mark.parametrize("way", ["transaction", "step"])
def test_nothing_is_left_half_said_where_one_may_freeze(
    watched: Database, settings: Settings, person_a: Person, way: str
) -> None:
    """Waiting for us in the middle of a message Postgres would be "active"."""
    claim = claim_job(watched, make_job(watched, settings, person_a.id))
    seen = Watched.seen
    for _ in range(7):  # statements that are seen more often than five times are prepared
        seen.clear()
        with watched.worker() if way == "transaction" else watched.worker_step() as session:
            claim.heartbeat(session, lease_seconds=30, progress=None)
        assert "active" not in seen
        assert seen[-1] == "idle"


HURRY = text("select set_config('idle_in_transaction_session_timeout', :limit, true)")


@pytest.mark.parametrize("values", [1, 2], ids=["one", "many"])
@pytest.mark.parametrize("statements", [1, 2])
def test_whoever_freezes_in_a_transaction_is_ended_by_postgres(
    one: Database, owner_connection: psycopg.Connection, statements: int, values: int
) -> None:
    """After the first statement as after a later one; the half minute is made shorter here."""
    with one.worker() as session:
        pid = session.scalar(text("select pg_backend_pid()"))
    is_there = "select 1 from pg_stat_activity where pid = %s"

    def freeze() -> None:
        with one.worker() as session:
            for _ in range(statements):
                session.execute(HURRY, [{"limit": "200ms"}] * values)
            wait_for(
                lambda: owner_connection.execute(is_there, [pid]).fetchone() is None, 10, "its end"
            )
            session.execute(text("select 1"))

    with pytest.raises(OperationalError):  # as when the database was away: it is tried again
        freeze()


def test_no_transaction_goes_on_for_ever(database: Database) -> None:
    """Whatever its client does, or does not: two minutes, where Postgres knows such a limit."""
    with database.worker() as session:
        limits = session.execute(
            text(
                "select current_setting('idle_in_transaction_session_timeout'), "
                "current_setting('transaction_timeout', true)"
            )
        ).one()
    assert tuple(limits) in {("30s", "2min"), ("30s", None)}


def test_postgres_notices_a_machine_that_lost_its_power(one: Database) -> None:
    """It asks the client's kernel after ten seconds, and waits twenty for what it has sent."""
    with one.worker() as session:
        for name, value in (
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "2"),
            ("tcp_user_timeout", "20000"),
        ):
            assert session.scalar(text(f"select current_setting('{name}')")) == value


def test_whoever_freezes_in_a_heartbeat_holds_nothing(
    watched: Database, database: Database, settings: Settings, person_a: Person
) -> None:
    """So a sweep rescues its job when the lease has lapsed, and waits for no time limit."""
    job_id = make_job(database, settings, person_a.id)
    claim = claim_job(database, job_id)
    with Heartbeat(watched, claim, lease_seconds=30) as heartbeat:
        heartbeat.report(Progress(percent=40, stage="counting"))
        heartbeat.keep(Partial({"counted": 4}, 4))
        wait_for(lambda: read_job(database, person_a.id, job_id).result == {"counted": 4})
    assert set(Watched.seen) == {"idle"}
