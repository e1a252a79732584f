"""The real web process: gunicorn with gevent, as `textback web` starts it."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import Api, free_port, make_token, start_web
from cast import Person, make_person
from factories import claim_job, make_job
from processes import Processes, wait_for

from models import Database, Progress, Settings
from tasks.wake import wake_on_commit
from webapp.embedded.postgres import EmbeddedPostgres


def test_a_query_that_waits_stops_no_other_request(
    processes: Processes, database: Database, settings: Settings, person_a: Person, token_a: str,
    owner_connection: psycopg.Connection, postgres: EmbeddedPostgres,
) -> None:  # fmt: skip
    """psycopg waits with gevent: it was patched first. One process, and one query that blocks."""
    job_id = make_job(database, settings, person_a.id)
    address = start_web(processes).address
    answers: list[Any] = []

    def read() -> None:
        request = urllib.request.Request(
            f"{address}/api/v1/jobs/{job_id}", headers={"Authorization": f"Bearer {token_a}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answers.append(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                answers.append(error.code)

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
        with urllib.request.urlopen(f"{address}/healthz", timeout=10) as answer:
            assert answer.status == 200
    for reader in readers:
        reader.join(10)
    # Whoever waited for longer than a request may was told to come again.
    assert len(answers) == 3
    assert set(answers) <= {200, 503}


def fetch(address: str, token: str) -> int:
    """Return the status of an answer."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


CONNECTED = "select count(*) from pg_stat_activity where usename = 'textback_app'"


def test_a_burst_shares_the_connections_that_are_kept(
    processes: Processes, token_a: str, owner_connection: psycopg.Connection
) -> None:
    """As after a restart, when all who were here come back: to connect is what takes long."""
    address = start_web(processes).address

    def connected() -> int:
        return int(owner_connection.execute(CONNECTED).fetchone()[0])  # type: ignore[index]

    before, most = connected() - 1, 0  # the process has one
    with ThreadPoolExecutor(40) as many:
        asked = [many.submit(fetch, f"{address}/api/v1/jobs", token_a) for _ in range(120)]
        while not all(one.done() for one in asked):
            most = max(most, connected() - before)
    assert {one.result() for one in asked} == {200}
    assert most <= 8  # 16 if each opened its own


def test_whoever_needs_nothing_of_what_others_wait_for_goes_on(
    processes: Processes, token_a: str, owner_connection: psycopg.Connection,
    postgres: EmbeddedPostgres,
) -> None:  # fmt: skip
    """All connections that are kept wait for a lock, so one more is opened, after a moment."""
    address = start_web(processes).address
    waiting = (
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
        "and pid <> pg_backend_pid()"
    )
    with (
        ThreadPoolExecutor(5) as many,
        psycopg.connect(postgres.owner_url(), autocommit=True) as watching,
        owner_connection.transaction(),
    ):
        owner_connection.execute("lock table jobs in access exclusive mode")
        for _ in range(5):
            many.submit(fetch, f"{address}/api/v1/jobs", token_a)
        wait_for(lambda: watching.execute(waiting).fetchone() == (5,), 10, "five that wait")
        began = time.monotonic()
        assert fetch(f"{address}/api/v1/me", token_a) == 200
        assert time.monotonic() - began < 2


def open_streams(address: str, job_id: UUID, token: str, count: int) -> list[Any]:
    """Open many streams at once; each answer can be read line by line."""
    request = urllib.request.Request(
        f"{address}/api/v1/jobs/{job_id}/events", headers={"Authorization": f"Bearer {token}"}
    )
    return [urllib.request.urlopen(request, timeout=20) for _ in range(count)]


def read_until(stream: Any, word: bytes) -> bytes:
    """Return the first line of a stream that holds a word; b"" at its end."""
    for line in stream:
        if word in line:
            return bytes(line)
    return b""


def test_many_streams_share_one_process_and_hold_no_connection(
    processes: Processes, database: Database, settings: Settings,
    owner_connection: psycopg.Connection,
) -> None:  # fmt: skip
    """Four people with 25 open pages each. Demand: 004-5."""
    address = start_web(processes).address
    streams, claims = [], []
    for person in (make_person(database) for _ in range(4)):
        job_id = make_job(database, settings, person.id)
        streams += open_streams(address, job_id, make_token(database, person), 25)
        claims.append(claim_job(database, job_id))
    for stream in streams:
        assert b'"status"' in read_until(stream, b"data:")
    for claim in claims:
        with database.worker() as session:
            claim.heartbeat(session, lease_seconds=30, progress=Progress(percent=64))
            wake_on_commit(session, claim.job_id)
    for stream in streams:
        assert read_until(stream, b'"progress": 64')
    busy = (
        "select count(*) from pg_stat_activity where usename = 'textback_app' "
        "and state <> 'idle' and application_name = 'textback'"
    )
    wait_for(lambda: owner_connection.execute(busy).fetchone() == (0,), 10, "idle connections")
    for claim in claims:
        with database.worker() as session:
            claim.succeed(session, {"counted": 1}, result_count=1)
            wake_on_commit(session, claim.job_id)
    for stream in streams:
        assert read_until(stream, b'"succeeded"')
        assert stream.read() == b"\n"  # and that is the end
        stream.close()


def test_open_streams_do_not_hold_up_a_stop(
    processes: Processes, database: Database, settings: Settings, person_a: Person, token_a: str
) -> None:
    job_id = make_job(database, settings, person_a.id)
    web = start_web(processes)
    streams = open_streams(web.address, job_id, token_a, 5)
    for stream in streams:
        assert read_until(stream, b"data:")
    began = time.monotonic()
    web.process.send_signal(signal.SIGTERM)
    for stream in streams:
        assert read_until(stream, b"nothing more") == b""
        stream.close()
    assert web.process.wait(10) == 0
    assert time.monotonic() - began < 5


def test_a_log_holds_no_token_and_no_link(
    processes: Processes, token_a: str, stranger: Api
) -> None:
    address = start_web(processes).address
    for path in (f"/r/{'x' * 22}", f"/nothing?token={token_a}"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}{path}", timeout=5)
        caught.value.close()
    assert token_a not in processes.log()
    assert "xxxx" not in processes.log()


def test_a_login_above_row_security_is_not_served(
    processes: Processes, postgres: EmbeddedPostgres
) -> None:
    """Demand: 002-32. The tables' owner is refused before a port is opened."""
    process = processes.start("web", DATABASE_URL=postgres.owner_url(), PORT=str(free_port()))
    assert process.wait(20) == 2
    assert "DATABASE_URL" in processes.log()
    assert "Listening" not in processes.log()


def test_30_megabytes_are_refused_with_an_answer_that_arrives(
    processes: Processes, token_a: str
) -> None:
    """Whoever still sends gets to read why, and the process does not grow."""
    address = start_web(processes).address
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body += bytes(30 * 1024 * 1024) + b"\r\n--x--\r\n"
    headers = {
        "Authorization": f"Bearer {token_a}", "Content-Type": "multipart/form-data; boundary=x",
    }  # fmt: skip
    request = urllib.request.Request(f"{address}/api/v1/uploads", body, headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    with caught.value:
        assert caught.value.code == 413
        assert json.load(caught.value)["code"] == "file_too_large"
