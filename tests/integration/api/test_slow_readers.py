"""Streams of the real web process on bare sockets: what goes over the wire, and to whom."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import Web, start_web
from cast import Person
from factories import claim_job, make_job
from processes import Processes

from models import Claim, Database, Progress, Settings
from tasks.wake import wake_on_commit

Open = Callable[..., socket.socket]
READERS, CHANGES = 10, 40
# Of each event, so that a reader who does not read is soon full.
LARGE = 200_000


@pytest.fixture
def web(processes: Processes) -> Web:
    """One real web process."""
    return start_web(processes)


@pytest.fixture
def running(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> Claim:
    """A job of A that runs, and whose JSON is large."""
    job_id = make_job(database, settings, person_a.id)
    enlarge(owner_connection, job_id, LARGE)
    return claim_job(database, job_id, lease_seconds=120)


@pytest.fixture
def open_socket(web: Web, running: Claim, token_a: str) -> Iterator[Open]:
    """Ask for the stream on a socket of our own."""
    opened = []

    def open_it(protocol: str = "HTTP/1.1", method: str = "GET", room: int = 0) -> socket.socket:
        reader = socket.socket()
        opened.append(reader)
        if room:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        reader.settimeout(8)  # less than a stream is silent
        reader.connect(("127.0.0.1", int(web.address.rsplit(":", 1)[1])))
        reader.sendall(
            f"{method} /api/v1/jobs/{running.job_id}/events {protocol}\r\nHost: textback\r\n"
            f"Authorization: Bearer {token_a}\r\nConnection: close\r\n\r\n".encode()
        )
        return reader

    yield open_it
    for reader in opened:
        reader.close()


def enlarge(connection: psycopg.Connection, job_id: UUID, size: int) -> None:
    """Make the JSON of a job large."""
    connection.execute(
        "update jobs set params = jsonb_build_object('filler', repeat('x', %s)) where id = %s",
        [size, job_id],
    )


def report(database: Database, claim: Claim, percent: int) -> None:
    """Report progress as a worker does."""
    with database.worker() as session:
        claim.heartbeat(session, lease_seconds=120, progress=Progress(percent=percent))
        wake_on_commit(session, claim.job_id)


def finish(database: Database, claim: Claim) -> None:
    """End the job as a worker does."""
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
        wake_on_commit(session, claim.job_id)


def read_until(reader: socket.socket, words: bytes) -> bytes:
    """Return what comes up to some words."""
    came = b""
    while words not in came[-len(words) - 65536 :]:
        more = reader.recv(65536)
        assert more, "the stream ended"
        came += more
    return came


def read_all(reader: socket.socket) -> bytes:
    """Return what comes up to the end of the connection."""
    return b"".join(iter(lambda: reader.recv(65536), b""))


def without_chunks(body: bytes) -> bytes:
    """Return what was sent in chunks, all of which must be whole."""
    pieces = []
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        assert rest[length : length + 2] == b"\r\n", "a torn chunk"
        pieces.append(rest[:length])
        body = rest[length + 2 :]
        if not length:
            assert not body
            return b"".join(pieces)


def events_in(text: bytes) -> list[dict[str, Any]]:
    """Return the events of a stream, all of which must be whole."""
    events = []
    for block in text.split(b"\n\n"):
        lines = dict(line.split(b": ", 1) for line in block.splitlines() if line)
        if b"data" in lines:
            event = json.loads(lines[b"data"])
            assert lines[b"id"] == str(event["version"]).encode()
            events.append(event)
    return events


def test_a_reader_that_does_not_read_delays_nobody_and_gets_the_newest_state_whole(
    database: Database, running: Claim, open_socket: Open
) -> None:
    slow = open_socket(room=4096)
    others = [open_socket() for _ in range(READERS)]
    for reader in (slow, *others):
        read_until(reader, b'"status": "running"')
    for percent in range(1, CHANGES + 1):
        report(database, running, percent)
        for reader in others:
            read_until(reader, b'"progress": %d,' % percent)
    finish(database, running)
    for reader in others:
        read_until(reader, b'"status": "succeeded"')
    rest = read_all(slow)
    # The end of the event that had come already when it stopped reading.
    begun = rest.index(b"\r\n", rest.index(b"\n\n")) + 2
    events = events_in(without_chunks(rest[begun:]))
    versions = [event["version"] for event in events]
    assert versions == sorted(set(versions))
    assert events[-1]["status"] == "succeeded"
    assert len(events) < CHANGES  # it was full, and was not told of all
    assert all(len(event["params"]["filler"]) == LARGE for event in events)


def test_an_event_that_is_larger_than_a_socket_holds_arrives_without_another(
    database: Database,
    running: Claim,
    open_socket: Open,
    owner_connection: psycopg.Connection,
) -> None:
    """Its reader takes it in as it comes; nothing else happens that would send the rest."""
    enlarge(owner_connection, running.job_id, 40 * LARGE)
    reader = open_socket()
    read_until(reader, b"\n\n\r\n")
    report(database, running, 10)
    came = read_until(reader, b"\n\n\r\n")
    assert came.count(b"x") >= 40 * LARGE


def test_streams_are_framed_for_whoever_asked(
    database: Database, running: Claim, open_socket: Open
) -> None:
    """In chunks for HTTP/1.1, bare for HTTP/1.0, and nothing but headers for HEAD."""
    chunked, bare = open_socket(), open_socket("HTTP/1.0")
    for reader in (chunked, bare):
        read_until(reader, b'"status": "running"')
    head = read_all(open_socket(method="HEAD"))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\r\n\r\n") == 1
    percents = range(10, 60, 10)
    came = dict.fromkeys((chunked, bare), b"")
    for percent in percents:
        report(database, running, percent)
        for reader in came:
            came[reader] += read_until(reader, b'"progress": %d,' % percent)
    finish(database, running)
    for reader in came:
        came[reader] += read_all(reader)
    # Each from the end of its first event on.
    first = {reader: text.index(b"\n\n") + 2 for reader, text in came.items()}
    text = came[chunked][first[chunked] :]
    assert text.startswith(b"\r\n")
    told = events_in(without_chunks(text[2:]))
    assert [event["progress"] for event in told] == [*percents, 100]
    assert events_in(came[bare][first[bare] :]) == told
    assert not re.search(rb"^[0-9A-F]+\r$", came[bare], re.MULTILINE)


def test_a_token_that_is_taken_back_ends_the_stream_in_order(
    database: Database,
    running: Claim,
    person_a: Person,
    open_socket: Open,
    owner_connection: psycopg.Connection,
) -> None:
    """Also for a reader that only the hub has written to meanwhile."""
    reader = open_socket()
    read_until(reader, b'"status": "running"')
    report(database, running, 10)
    came = read_until(reader, b'"progress": 10,')
    owner_connection.execute(
        "update api_tokens set revoked_at = now() where owner_id = %s", [person_a.id]
    )
    report(database, running, 20)
    came += read_all(reader)
    assert came.endswith(b"\r\n0\r\n\r\n")
    assert b'"progress": 20,' not in came
