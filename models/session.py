"""Transactions as one of four roles: a person, the gate, a worker or the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

import psycopg
from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.settings import Settings

Role = Literal["textback_web", "textback_gate", "textback_worker", "textback_operator"]

# One statement opens every transaction. All of it is transaction-local, so a transaction pooler
# in front of Postgres can hand the connection to somebody else afterwards without harm. The
# timeouts keep a frozen process from holding a row or a lock against the sweeps.
_OPEN = text(
    "select set_config('role', :role, true), set_config('textback.user_id', :user_id, true), "
    "set_config('textback.presented', :presented, true), set_config('lock_timeout', '5s', true), "
    "set_config('statement_timeout', '30s', true), "
    "set_config('idle_in_transaction_session_timeout', '30s', true)"
)

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

# Longer than any statement may take there. What is silent for longer is half-open: something on the
# way still acknowledges what we send, so that TCP notices nothing, and no answer will ever come.
ANSWER_SECONDS = 35.0


class _Connection(psycopg.Connection[Any]):
    """Gives up on a server that owes an answer for too long, instead of waiting for ever."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {ANSWER_SECONDS} s") from None


def _connect(_dialect: object, _record: object, cargs: Any, cparams: Any) -> _Connection:
    return _Connection.connect(*cargs, **cparams)


class Database:
    """A process's connections to Postgres. Make one per process, after any fork."""

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
        )
        event.listen(self.engine, "do_connect", _connect)

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

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def _transaction(
        self, role: Role, *, user_id: str = "", presented: str = ""
    ) -> Iterator[Session]:
        values = {"role": role, "user_id": user_id, "presented": presented}
        with self._opened(values) as connection:
            session = Session(bind=connection, expire_on_commit=False, autoflush=False)
            try:
                yield session
                session.commit()
                connection.commit()
            except BaseException:
                session.close()
                if not connection.invalidated:
                    connection.rollback()
                raise
            session.close()
        for action in session.info.get("after_commit", ()):
            action()

    @contextmanager
    def _opened(self, values: dict[str, str]) -> Iterator[Connection]:
        """Open a transaction, once more on a fresh connection if the pooled one had died.

        Nothing has been done yet when the opening statement fails, so trying again is safe; it
        spares the round trip of a ping before every transaction.
        """
        connection = self.engine.connect()
        try:
            connection.execute(_OPEN, values)
        except DBAPIError as error:
            connection.close()
            if not error.connection_invalidated:
                raise
            connection = self.engine.connect()
            try:
                connection.execute(_OPEN, values)
            except DBAPIError:
                connection.close()
                raise
        with connection:
            yield connection


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Call `action` once the transaction of `session` is durable; never if it rolls back."""
    session.info.setdefault("after_commit", []).append(action)


def sqlalchemy_url(url: str) -> str:
    """Return a plain postgresql:// URL as SQLAlchemy wants it for psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
