"""Transactions as one of four roles: a person, the gate, a worker or the operator."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal, TypeVar
from uuid import UUID

import psycopg
import sqlalchemy
from sqlalchemy import PoolProxiedConnection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from models.connection import Connection
from models.settings import Settings
from models.step import Step

Lent = TypeVar("Lent", sqlalchemy.Connection, PoolProxiedConnection)
Role = Literal["textback_web", "textback_gate", "textback_worker", "textback_operator"]

# A connection that rested for longer than this is tried before anything depends on it.
RESTED_SECONDS = 1.0

_OPENED_AFTER = "textback.opened_after"  # so many disposals

CONNECT_ARGS = {
    "connect_timeout": 3,
    "application_name": "textback",
    # Behind a transaction pooler a statement prepared here may be executed there, as another's.
    "prepare_threshold": None,
    # A server that is there but does not answer any more is given up on.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}


class Database:
    """A process's connections to Postgres. Made before a fork, it must not be used before it."""

    connection_class: type[Connection] = Connection

    def __init__(self, settings: Settings, *, pool_size: int = 5) -> None:
        """Prepare a pool of up to `pool_size` + 10 connections; nothing is opened yet."""
        self.engine = create_engine(
            sqlalchemy_url(settings.database_url.get_secret_value()),
            pool_size=pool_size,
            max_overflow=10,
            pool_timeout=5,
            pool_use_lifo=True,  # what one connection does, the others need not remember too
            connect_args=CONNECT_ARGS,
            hide_parameters=True,  # what people search for is in them, and errors are logged
            isolation_level="AUTOCOMMIT",  # transactions begin below
            use_native_hstore=False,
        )
        event.listen(self.engine, "do_connect", self._connect)
        event.listen(self.engine, "checkin", self._close_if_late)
        self._disposals = 0
        # What the last step borrowed, for the next: each way to the pool and back costs a short job
        # 3 %. Whoever else wants a connection has it put back first, so none is opened beside it.
        self._kept: deque[PoolProxiedConnection] = deque()

    @contextmanager
    def owner(self, user_id: UUID) -> Iterator[Session]:
        """One transaction in which only this person's rows exist."""
        with self._transaction("textback_web", user_id=str(user_id)) as session:
            yield session

    @contextmanager
    def gate(self, presented: bytes) -> Iterator[Session]:
        """One transaction in which only rows that hold this SHA-256 of a secret exist."""
        with self._transaction("textback_gate", presented=presented.hex()) as session:
            yield session

    @contextmanager
    def worker(self) -> Iterator[Session]:
        """One transaction for claims and fenced writes, by job id and never by owner."""
        with self._transaction("textback_worker") as session:
            yield session

    @contextmanager
    def operator(self) -> Iterator[Session]:
        """One transaction over all rows: sweeps and the operator's commands."""
        with self._transaction("textback_operator") as session:
            yield session

    @contextmanager
    def worker_step(self) -> Iterator[Step]:
        """As `worker`, in one round trip: what is executed is committed when it is answered."""
        # Not by way of SQLAlchemy's own connections: to make one costs a tenth of a short job.
        lent = self._usable(self._kept_connection)
        driver = _driver(lent)
        try:
            driver.opening = {"role": "textback_worker", "user_id": "", "presented": ""}
            step = Step(driver)
            yield step
            step.send()
        except BaseException as error:
            if driver.closed:
                lent.invalidate(error)
            driver.rest()
            lent.close()
            raise
        driver.rest()
        self._kept.append(lent)
        _run_after_commit(step.info)

    def dispose(self) -> None:
        """Close every pooled connection; what is lent is closed when it comes back."""
        # Twice, as another thread may give one back, or open one, between.
        self._disposals += 1
        self._put_back()
        self.engine.dispose()
        self._disposals += 1

    @contextmanager
    def _transaction(
        self, role: Role, *, user_id: str = "", presented: str = ""
    ) -> Iterator[Session]:
        with self._opened(role, user_id=user_id, presented=presented) as connection:
            if not connection.in_transaction():
                connection.begin()
            session = Session(bind=connection, expire_on_commit=False, autoflush=False)
            try:
                yield session
                session.commit()
                connection.commit()
            except BaseException:
                session.close()
                if not connection.invalidated:
                    if _driver(connection).closed:
                        connection.invalidate()
                    connection.rollback()
                raise
            session.close()
        _run_after_commit(session.info)

    @contextmanager
    def _opened(
        self, role: Role, *, user_id: str = "", presented: str = ""
    ) -> Iterator[sqlalchemy.Connection]:
        """Lend a connection on which a transaction opens with the first statement."""
        self._put_back()
        with self._usable(self.engine.connect) as connection:
            driver = _driver(connection)
            driver.opening = {"role": role, "user_id": user_id, "presented": presented}
            try:
                yield connection
            finally:  # before it goes back: another thread may have it the moment after
                driver.rest()

    def _connect(
        self, _dialect: object, record: ConnectionPoolEntry, arguments: Any, options: Any
    ) -> Connection:
        record.info[_OPENED_AFTER] = self._disposals
        return self.connection_class.open(*arguments, **options)

    def _close_if_late(self, connection: object, record: ConnectionPoolEntry) -> None:
        """Close what is given back to a pool that was disposed of: nobody borrows from that."""
        if connection is not None and record.info.get(_OPENED_AFTER) != self._disposals:
            record.invalidate()

    def _put_back(self) -> None:
        with suppress(IndexError):  # another thread may be at it too
            while True:
                self._kept.pop().close()

    def _kept_connection(self) -> PoolProxiedConnection:
        with suppress(IndexError):
            return self._kept.pop()
        try:
            return self.engine.raw_connection()
        except psycopg.Error as error:
            raise DBAPIError.instance(
                None, None, error, psycopg.Error, hide_parameters=True
            ) from error

    def _usable(self, lend: Callable[[], Lent]) -> Lent:
        """Return a connection that works.

        One that the server has closed, or that rested and is found dead, is replaced: nothing has
        been done on it yet. Found dead, all that rest are given up, or each would be waited for.
        """
        while True:
            lent = lend()
            driver = _driver(lent)
            is_rested = time.monotonic() - driver.used_at > RESTED_SECONDS
            works = False
            try:
                works = driver.is_alive() and (not is_rested or driver.answers())
            finally:  # also when a time-out strikes while it is tried
                if not works:
                    lent.invalidate()
                    lent.close()
            if works:
                return lent
            if is_rested:
                self.dispose()


def _driver(lent: sqlalchemy.Connection | PoolProxiedConnection) -> Connection:
    pooled = lent.connection if isinstance(lent, sqlalchemy.Connection) else lent
    driver = pooled.driver_connection
    assert isinstance(driver, Connection)  # noqa: S101 - made by _connect
    return driver


def _run_after_commit(info: dict[Any, Any]) -> None:
    for action in info.get("after_commit", ()):
        action()


def after_commit(session: Session | Step, action: Callable[[], None]) -> None:
    """Call `action` once the transaction of `session` is durable; never if it rolls back."""
    session.info.setdefault("after_commit", []).append(action)


def sqlalchemy_url(url: str) -> str:
    """Return a plain postgresql:// URL as SQLAlchemy wants it for psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
