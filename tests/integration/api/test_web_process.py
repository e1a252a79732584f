"""The real web process: gunicorn with gevent, as `textback web` starts it."""

from __future__ import annotations

import threading
import time
import urllib.request
from typing import Any

import psycopg
from api_client import start_web
from cast import Person
from factories import make_job
from processes import Processes, wait_for

from models import Database, Settings
from webapp.embedded.postgres import EmbeddedPostgres


def test_a_query_that_waits_stops_no_other_request(
    processes: Processes, database: Database, settings: Settings, person_a: Person, token_a: str,
    owner_connection: psycopg.Connection, postgres: EmbeddedPostgres,
) -> None:  # fmt: skip
    """psycopg waits with gevent: it was patched first. One process, and one query that blocks."""
    job_id = make_job(database, settings, person_a.id)
    address = start_web(processes)
    answers: list[Any] = []

    def read() -> None:
        request = urllib.request.Request(
            f"{address}/api/v1/jobs/{job_id}", headers={"Authorization": f"Bearer {token_a}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            answers.append(answer.status)

    readers = [threading.Thread(target=read) for _ in range(3)]
    with (
        owner_connection.transaction(),
        psycopg.connect(postgres.owner_url(), autocommit=True) as watching,
    ):
        owner_connection.execute("lock table jobs in access exclusive mode")
        for reader in readers:
            reader.start()
        count = (
            "select count(*) >= 3 from pg_stat_activity where wait_event_type = 'Lock' "
            "and pid <> pg_backend_pid()"
        )
        wait_for(lambda: watching.execute(count).fetchone()[0], 10, "three waiting queries")
        began = time.monotonic()
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
            assert answer.status == 200
        assert time.monotonic() - began < 1
        assert answers == []
    for reader in readers:
        reader.join(10)
    assert answers == [200, 200, 200]
