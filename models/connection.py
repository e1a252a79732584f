"""A connection that sends what opens a transaction together with its first statement.

`begin`, role and person cost a transaction two round trips when they are sent one by one, and most
transactions of ours have but one statement. SQLAlchemy sees a connection and cursors as ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from psycopg.pq import PipelineStatus

# Statements of a connection that are seen more often than this are prepared.
PREPARE_AFTER = 5

# Longer than any statement may take there. What is silent for longer is half-open: something on the
# way still acknowledges what we send, so that TCP notices nothing, and no answer will ever come.
ANSWER_SECONDS = 35.0

Statement = tuple[str, Mapping[str, str] | None]


class Connection(psycopg.Connection[Any]):
    """One of ours: in autocommit for psycopg, which would else send a `begin` of its own.

    Attributes:
        opening: what opens the transaction, until it is sent.
        used_at: the clock when a transaction last ended here.
    """

    opening: Sequence[Statement]
    used_at: float

    @classmethod
    def open(cls, *arguments: Any, **options: Any) -> Self:
        """Connect, and find out whether statements may be prepared.

        A transaction pooler lends a server's connection to others, who would meet what was prepared
        there. It is told by the process we are connected to: it is not the one that was announced.
        """
        options |= {"autocommit": True, "cursor_factory": Cursor, "prepare_threshold": None}
        connection = cls.connect(*arguments, **options)
        connection.opening = ()
        connection.used_at = time.monotonic()
        row = connection.execute("select pg_backend_pid()").fetchone()
        if row is not None and row[0] == connection.info.backend_pid:
            connection.prepare_threshold = PREPARE_AFTER
        return connection

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Give up on a server that owes an answer for too long, instead of waiting for ever."""
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {ANSWER_SECONDS} s") from None

    def is_alive(self) -> bool:
        """Whether the server has not closed the connection, as far as has been heard here."""
        try:
            for _ in range(2):  # a farewell may come before the end
                self.pgconn.consume_input()
        except psycopg.OperationalError:
            return False
        return not self.closed

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what is executed within in one go, and read all answers at the end."""
        try:
            with self.pipeline():
                try:
                    yield
                except psycopg.Error:
                    raise
                except BaseException:
                    self.close()  # or psycopg would wait for the answers to what was sent
                    raise
        except BaseException as error:
            if self.closed or self.pgconn.pipeline_status == PipelineStatus.OFF:
                raise
            # A time-out struck while we waited, and the answers are still to come. psycopg speaks
            # of the pipeline it cannot leave instead.
            self.close()
            raise error.__context__ or error from None

    def send_opening(self) -> None:
        """Execute what opens the transaction; the caller gathers it with more."""
        opening, self.opening = self.opening, ()
        for statement, values in opening:
            psycopg.Cursor(self).execute(statement, values, prepare=values is not None)

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Return a cursor; one that lives on the server needs its transaction at once."""
        if arguments or options.get("name"):
            self.open_now()
        return super().cursor(*arguments, **options)

    def open_now(self) -> None:
        """Open the transaction without waiting for its first statement."""
        if self.opening:
            with self.together():
                self.send_opening()


class Cursor(psycopg.Cursor[Any]):
    """Opens the transaction with the first statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Execute a statement, after what opens the transaction if that is still to be sent."""
        connection = self.connection
        if not isinstance(connection, Connection) or not connection.opening:
            return super().execute(query, params, **options)
        with connection.together():
            connection.send_opening()
            super().execute(query, params, **options)
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Execute a statement many times, in a transaction that is open."""
        if isinstance(self.connection, Connection):
            self.connection.open_now()
        super().executemany(query, params_seq, **options)
