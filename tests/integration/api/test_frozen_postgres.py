"""A Postgres that is there and says nothing: every request is told so, soon, and none is lost."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from api_client import Web, make_token, start_web
from cast import make_person
from processes import Processes, wait_for
from pydantic import SecretStr

from models import Database, Settings
from models.migrations import migrate
from webapp.embedded.postgres import EmbeddedPostgres

LOGIN = ("textback_app", "only-for-this-test-0123")
SUBMIT = b'{"kind": "count_slowly"}'


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    """Stop the server and all its backends where they stand; the kernel still takes connections."""
    assert server.process is not None
    head = psutil.Process(server.process.pid)
    head.suspend()  # first: now it starts no other, and none that ends vanishes
    stopped = [head, *head.children(recursive=True)]
    try:
        for process in stopped[1:]:
            process.suspend()
        yield
    finally:
        for process in reversed(stopped):  # the head last: it reaps those that have ended
            process.resume()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A Postgres of this test alone."""
    server = EmbeddedPostgres(
        tmp_path / "postgres", settings={"fsync": "off", "synchronous_commit": "off"}
    )
    server.start()
    server.wait_ready()
    yield server
    server.stop()


def test_a_frozen_postgres_holds_nobody_up(
    server: EmbeddedPostgres, processes: Processes, settings: Settings
) -> None:
    """503 with Retry-After within seconds, on connections that stood and on new ones; whatever was
    answered 202 is there afterwards, and nothing else is.
    """
    url = server.url(*LOGIN)
    theirs = settings.model_copy(
        update={
            "database_url": SecretStr(url),
            "migration_database_url": SecretStr(server.owner_url()),
        }
    )
    migrate(theirs)
    database = Database(theirs)
    token = make_token(database, make_person(database))
    database.dispose()
    web = start_web(processes, DATABASE_URL=url)
    ask = _asking(web, token)
    assert ask("/api/v1/jobs")[0] == 200
    with frozen(server):
        for path, body in (("/api/v1/jobs", None), ("/api/v1/jobs", SUBMIT), ("/readyz", None)):
            is_soon_away(ask(path, body))
        # More at once than the pool holds: who waits for a place is told as soon.
        with ThreadPoolExecutor(25) as people:
            for outcome in people.map(lambda _turn: ask("/api/v1/jobs"), range(25)):
                is_soon_away(outcome, seconds=4)  # 25 threads of ours want to be served as well
        # And again, for a place that was not given back would be missed by now.
        is_soon_away(ask("/api/v1/jobs", SUBMIT))
        assert ask("/healthz")[0] == 200
    wait_for(lambda: ask("/readyz")[0] == 200, 10, "readiness")
    status, listed, _ = ask("/api/v1/jobs")
    assert (status, listed["jobs"]) == (200, [])
    # Whoever sent a key sends the same again, and knows that it is one job.
    first, second = ask("/api/v1/jobs", SUBMIT), ask("/api/v1/jobs", SUBMIT)
    assert (first[0], second[0]) == (202, 202)
    assert first[1]["id"] == second[1]["id"]
    with psycopg.connect(server.owner_url(), autocommit=True) as connection:
        held = (
            "select count(*) from pg_stat_activity"
            " where usename = 'textback_app' and state <> 'idle'"
        )
        # A backend that was frozen in a transaction notices late that its client has gone.
        wait_for(lambda: connection.execute(held).fetchone() == (0,), 10, "connections at rest")


def is_soon_away(outcome: tuple[int, Any, float], seconds: float = 2) -> None:
    """Look that this is the answer of a server without its database, and that it came soon."""
    status, answer, took = outcome
    assert (status, answer["code"]) == (503, "database_unavailable")
    assert took < seconds


def _asking(web: Web, token: str) -> Any:
    def ask(path: str, body: bytes | None = None) -> tuple[int, Any, float]:
        request = urllib.request.Request(
            web.address + path,
            data=body,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": "frozen-1",
            },
        )
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer), time.monotonic() - began
        except urllib.error.HTTPError as error:
            with error:
                assert int(error.headers["Retry-After"]) > 0
                return error.code, json.load(error), time.monotonic() - began

    return ask
