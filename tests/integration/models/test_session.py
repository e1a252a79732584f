"""Transactions: how often they wait for Postgres, and what happens when it is away for a moment."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job, read_job
from psycopg.pq import TransactionStatus
from sqlalchemy import event, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import Claim, Database, Job, JobEvent, Settings
from models import session as session_module
from models.connection import Connection
from models.queries import query


@pytest.fixture
def one(settings: Settings) -> Iterator[Database]:
    """A pool of its own, so that no other test's connections are in it."""
    database = Database(settings, pool_size=2)
    yield database
    database.dispose()


def driver(database: Database) -> Connection:
    """Return the connection that the next transaction will use."""
    with database.worker() as session:
        found = session.connection().connection.driver_connection
        assert isinstance(found, Connection)
        return found


def round_trips(database: Database, work: Callable[[], object]) -> int:
    """Count how often the client waited for the server."""
    connection = driver(database)
    with tempfile.TemporaryFile() as trace:
        connection.pgconn.trace(trace.fileno())
        work()
        connection.pgconn.untrace()
        trace.seek(0)
        return trace.read().count(b"ReadyForQuery")


def test_what_opens_a_transaction_travels_with_its_first_statement(
    one: Database, person_a: Person
) -> None:
    def read() -> None:
        with one.owner(person_a.id) as session:
            session.execute(text("select count(*) from jobs"))

    read()
    assert round_trips(one, read) == 2  # the other one is the commit


def test_a_claim_is_one_round_trip(one: Database, settings: Settings, person_a: Person) -> None:
    """Its lock and its claim are two statements, so that the count is taken under the lock."""
    job_id = make_job(one, settings, person_a.id)
    claims: list[Claim | None] = []

    def claim() -> None:
        with one.worker_step() as step:
            claims.append(
                Claim.take(step, job_id, worker="a worker", lease_seconds=30, most_running=2)
            )

    assert round_trips(one, claim) == 1
    assert claims[0] is not None
    assert claims[0].attempt == 1
    assert read_job(one, person_a.id, job_id).status == "running"


def test_statements_are_prepared_where_no_pooler_is_between(
    one: Database, person_a: Person
) -> None:
    for _ in range(8):
        with one.owner(person_a.id) as session:
            session.execute(text("select count(*) from jobs"))
            prepared = session.scalars(text("select statement from pg_prepared_statements")).all()
    assert "select count(*) from jobs" in prepared


@pytest.mark.parametrize("rested", [False, True])
@pytest.mark.parametrize("way", ["worker", "worker_step"])
def test_connections_that_the_server_closed_are_replaced(
    one: Database, settings: Settings, person_a: Person, owner_connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch, way: str, rested: bool,
) -> None:  # fmt: skip
    """As after a restart of Postgres, for all that are pooled."""
    claim = claim_job(one, make_job(one, settings, person_a.id))
    with one.worker(), one.worker():
        pass
    with one.worker() as first, one.worker() as second:
        pids = [session.scalar(text("select pg_backend_pid()")) for session in (first, second)]
    assert len(set(pids)) == 2
    for pid in pids:
        owner_connection.execute("select pg_terminate_backend(%s, 5000)", [pid])
    if rested:
        monkeypatch.setattr(session_module, "RESTED_SECONDS", 0)
    with getattr(one, way)() as session:
        claim.heartbeat(session, lease_seconds=30)


def test_a_connection_that_died_unheard_is_replaced(
    one: Database, settings: Settings, person_a: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first statement fails and nothing has been done yet, so it is done on a fresh one."""
    claim = claim_job(one, make_job(one, settings, person_a.id))
    monkeypatch.setattr(session_module, "RESTED_SECONDS", 0)
    monkeypatch.setattr(Connection, "is_alive", lambda _: True)
    for way in (one.worker, one.worker_step):
        with one.worker() as session:
            session.scalar(text("select 1"))
        with socket.socket(fileno=os.dup(driver(one).fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        with way() as session:
            claim.heartbeat(session, lease_seconds=30)


@pytest.mark.parametrize("way", ["worker", "worker_step"])
def test_what_strikes_while_a_connection_is_tried_leaves_its_place(
    one: Database, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A page gives up on a frozen Postgres after a moment; those after it need the connections."""

    class Struck(BaseException):
        pass

    def strike(_: Connection) -> bool:
        raise Struck

    with one.worker() as session:
        session.scalar(text("select 1"))
    monkeypatch.setattr(session_module, "RESTED_SECONDS", 0)
    monkeypatch.setattr(Connection, "answers", strike)
    with pytest.raises(Struck) as struck, getattr(one, way)():
        pass
    assert one.engine.pool.checkedout() == 0, struck  # type: ignore[attr-defined]


def test_what_strikes_while_we_wait_leaves_no_answer_behind(
    one: Database, person_a: Person
) -> None:
    """A time limit does not wait for Postgres, and the next transaction reads its own answer."""

    class Struck(BaseException):
        pass

    def strike(*_: Any) -> None:
        raise Struck

    before = signal.signal(signal.SIGALRM, strike)
    try:
        for _ in range(2):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            began = time.monotonic()
            with pytest.raises(Struck), one.owner(person_a.id) as session:
                session.execute(text("select pg_sleep(20)"))
            assert time.monotonic() - began < 5
            with one.owner(person_a.id) as session:
                assert session.scalar(text("select 42")) == 42
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_strikes_in_a_transaction_leaves_no_statement_to_go_on(one: Database) -> None:
    """As the soft time limit of a job does, in a search of its kind."""

    def strike(_number: int, _frame: object) -> None:
        raise RuntimeError

    before = signal.signal(signal.SIGALRM, strike)
    try:
        with pytest.raises(RuntimeError), one.worker() as session:
            session.execute(text("select 1"))
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            session.execute(text("select pg_sleep(10)"))
        began = time.monotonic()
        for way in (one.worker_step, one.worker):
            with way() as transaction:
                row = transaction.execute(text("select 42 as answer"), {}).one_or_none()
                assert row is not None and row.answer == 42
        assert time.monotonic() - began < 5
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_step_is_refused_within_another_transaction(one: Database) -> None:
    """It would end with its message, and be committed by nobody."""
    event.listen(
        one.engine, "checkout", lambda connection, *_: connection.pgconn.exec_(b"begin"), once=True
    )
    with pytest.raises(DBAPIError, match="another transaction"), one.worker_step() as step:
        step.execute(text("select 1 as one"), {})
    with one.worker_step() as step:
        step.execute(text("select 1 as one"), {})


def test_an_error_undoes_the_whole_step(
    one: Database, settings: Settings, person_a: Person
) -> None:
    claim = claim_job(one, make_job(one, settings, person_a.id))
    guard = claim._guard
    with pytest.raises(DBAPIError), one.worker_step() as step:
        step.execute(query("save_checkpoint"), {**guard, "checkpoint": '{"done": 1}'})
        step.execute(query("save_checkpoint"), {**guard, "checkpoint": "{"}).one_or_none()
    assert read_job(one, person_a.id, claim.job_id).checkpoint is None
    with one.worker_step() as step:
        claim.check(step)


def test_what_only_the_commit_refuses_undoes_the_step_too(
    one: Database, settings: Settings, person_a: Person
) -> None:
    """A step has no `commit` of its own that could be refused: it ends with its message."""
    claim = claim_job(one, make_job(one, settings, person_a.id))
    values = {"id": claim.job_id, "search": uuid4()}
    deferred = text("update jobs set saved_search_id = :search where id = :id returning 1 as one")
    with pytest.raises(DBAPIError, match="saved_search"), one.worker_step() as step:
        step.execute(query("save_checkpoint"), {**claim._guard, "checkpoint": '{"done": 1}'})
        step.execute(deferred, values).one_or_none()
    job = read_job(one, person_a.id, claim.job_id)
    assert (job.saved_search_id, job.checkpoint) == (None, None)
    assert driver(one).pgconn.transaction_status == TransactionStatus.IDLE


def test_a_connection_goes_back_with_nothing_left_to_open(one: Database) -> None:
    """Another thread may take it at once; what we did to it then would be done to theirs."""
    given_back: list[object] = []
    event.listen(one.engine, "checkin", lambda back, _: given_back.append(back.opening))
    for way in (one.worker, one.worker_step):
        with way():
            pass
    one.dispose()
    assert given_back == [None, None]


def test_steps_and_transactions_share_one_connection(one: Database) -> None:
    """Each costs Postgres memory, so what a step keeps for the next is there for all."""
    opened: list[object] = []
    event.listen(one.engine, "connect", lambda connection, _: opened.append(connection))
    for way in (one.worker_step, one.worker_step, one.worker, one.worker_step, one.operator):
        with way() as transaction:
            transaction.execute(text("select 1 as one"), {})
    assert len(opened) == 1


def test_an_idle_process_lets_go_of_what_the_last_step_kept(one: Database) -> None:
    with one.worker_step() as step:
        step.execute(text("select 1 as one"), {})
    (kept,) = one._kept
    connection = kept.driver_connection
    assert connection is not None
    one.dispose()
    assert connection.closed


@pytest.mark.parametrize("way", ["worker", "worker_step"])
def test_what_is_lent_while_the_rest_is_closed_is_closed_when_it_comes_back(
    one: Database, way: str
) -> None:
    """An idle process lets go in another thread; what that misses would stay open for ever."""
    lent = driver(one)
    with getattr(one, way)() as transaction:
        transaction.execute(text("select 1 as one"), {})
        one.dispose()
        assert not lent.closed
    with one.worker():  # has what a step kept put back
        pass
    assert lent.closed


def test_what_nobody_reads_is_done_all_the_same(
    one: Database, settings: Settings, person_a: Person
) -> None:
    claim = claim_job(one, make_job(one, settings, person_a.id))
    values = {**claim._guard, "checkpoint": '{"done": 1}'}
    with one.worker_step() as step:
        step.execute(query("save_checkpoint"), values)
    assert read_job(one, person_a.id, claim.job_id).checkpoint == {"done": 1}


def test_a_step_ends_with_the_answer(one: Database, settings: Settings, person_a: Person) -> None:
    claim = claim_job(one, make_job(one, settings, person_a.id))
    with one.worker_step() as step:
        claim.check(step)
        with pytest.raises(RuntimeError):
            claim.check(step)


def test_whatever_comes_first_finds_its_role_set(
    one: Database, settings: Settings, person_a: Person
) -> None:
    """Many rows at once, a savepoint, a copy, and rows that are read one by one."""
    job_id = make_job(one, settings, person_a.id)
    events = [{"job_id": job_id, "owner_id": person_a.id, "event": name} for name in "abc"]

    def insert_many(session: Session) -> None:
        session.connection().execute(insert(JobEvent), events)

    def savepoint(session: Session) -> None:
        with session.begin_nested():
            session.execute(text("select count(*) from jobs"))

    def stream(session: Session) -> None:
        found = session.execute(text("select id from jobs").execution_options(yield_per=1))
        assert found.scalars().all() == [job_id]

    def raw(session: Session) -> psycopg.Cursor[Any]:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, Connection)
        return driver.cursor()

    def copy(session: Session) -> None:
        with raw(session).copy("copy jobs (id) to stdout") as rows:
            assert len(list(rows)) == 1

    def read_as_they_come(session: Session) -> None:
        assert len(list(raw(session).stream("select id from jobs"))) == 1

    for first in (insert_many, savepoint, stream, copy, read_as_they_come):
        with one.owner(person_a.id) as session:
            first(session)
            assert session.get(Job, job_id) is not None


def test_statements_forgotten_by_the_server_are_prepared_anew(
    one: Database, settings: Settings, person_a: Person
) -> None:
    """After a rollback psycopg has the server forget every prepared statement, ours too."""
    claim = claim_job(one, make_job(one, settings, person_a.id))

    def check() -> None:
        with one.worker_step() as step:
            claim.check(step)

    check()
    for _ in range(8):
        with one.worker() as session:
            session.execute(text("select count(*) from jobs"))
    with pytest.raises(DBAPIError), one.worker() as session:
        session.execute(text("select 1 / 0"))
    check()
    assert round_trips(one, check) == 1


def test_a_step_keeps_no_text_that_postgres_would_cut(
    one: Database, settings: Settings, person_a: Person
) -> None:
    claim = claim_job(one, make_job(one, settings, person_a.id))
    with pytest.raises(DBAPIError, match="NUL"), one.worker_step() as step:
        claim.fail(step, "a code", "a\0sentence")
    assert read_job(one, person_a.id, claim.job_id).status == "running"
