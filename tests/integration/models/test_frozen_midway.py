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

from models import Database, Progress, Settings
from models.connection import Connection
from tasks.heartbeat import Heartbeat

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
def test_whoever_freezes_between_two_sends_is_ended_by_postgres(
    watched: Database, settings: Settings, person_a: Person, way: str
) -> None:
    """There is no moment in which it waits for us in the middle of a message: "active"."""
    claim = claim_job(watched, make_job(watched, settings, person_a.id))
    seen = Watched.seen
    for _ in range(7):  # statements that are seen more often than five times are prepared
        seen.clear()
        with watched.worker() if way == "transaction" else watched.worker_step() as session:
            claim.heartbeat(session, lease_seconds=30, progress=None)
        assert "active" not in seen
        assert "idle" in seen
    with watched.worker() as session:
        session.execute(text("select 1"))
        assert seen[-1] == "idle in transaction"  # which is ended after half a minute


def test_whoever_freezes_in_a_heartbeat_holds_nothing(
    watched: Database, database: Database, settings: Settings, person_a: Person
) -> None:
    """So a sweep rescues its job when the lease has lapsed, and waits for no time limit."""
    job_id = make_job(database, settings, person_a.id)
    claim = claim_job(database, job_id)
    with Heartbeat(watched, claim, lease_seconds=30) as heartbeat:
        heartbeat.report(Progress(percent=40, stage="counting"))
        wait_for(lambda: read_job(database, person_a.id, job_id).progress == 40)
    assert set(Watched.seen) == {"idle"}
