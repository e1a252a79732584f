"""Waiting for Postgres as the web process does."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent
import psycopg
import pytest
from psycopg import waiting

from models import Settings
from webapp.gevent_wait import GeventConnection


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection whose statements wait so."""
    with GeventConnection.open(settings.database_url.get_secret_value()) as connection:
        yield connection


def test_others_go_on_meanwhile(connection: psycopg.Connection) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.01)
            ticks += 1

    ticking = gevent.spawn(tick)
    assert connection.execute("select pg_sleep(2), 7").fetchone() == ("", 7)
    ticking.kill()
    assert ticks >= 67


def test_what_is_larger_than_a_socket_holds_goes_both_ways(
    connection: psycopg.Connection,
) -> None:
    """There is not always room to write, and an answer comes in many parts."""
    large = "x" * 20_000_000
    assert connection.execute("select %s || 'y'", [large]).fetchone() == (large + "y",)
    with connection.pipeline():
        cursors = [connection.execute("select %s || 'z'", [large[:2_000_000]]) for _ in range(5)]
    assert all(cursor.fetchone() == (large[:2_000_000] + "z",) for cursor in cursors)


def test_who_waits_for_too_long_gives_up(connection: psycopg.Connection) -> None:
    connection.pgconn.send_query(b"select pg_sleep(5)")

    def answer() -> psycopg.abc.PQGen[None]:
        yield waiting.Wait.R

    began = time.monotonic()
    with pytest.raises(psycopg.errors._WaitTimeout):
        connection.wait(answer(), timeout=0.2)
    assert 0.2 <= time.monotonic() - began < 2
    connection.close()  # the answer is still to come


def test_a_server_that_goes_is_noticed(
    connection: psycopg.Connection, owner_connection: psycopg.Connection
) -> None:
    owner_connection.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")
