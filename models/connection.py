"""A connection that sends what opens a transaction together with its first statement.

`begin`, role and person cost a transaction two round trips when they are sent one by one, and most
transactions of ours have but one statement. SQLAlchemy sees a connection and cursors as ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Self

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.generators import send
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

from models.statement import Statement

# One statement opens every transaction. All of it is transaction-local, so a transaction pooler
# in front of Postgres can hand the connection to somebody else afterwards without harm. The
# timeouts keep a frozen process from holding a row or a lock against the sweeps: the last one also
# in the middle of a message, where Postgres before 17 has none.
OPEN = Statement(
    "select set_config('role', :role, true), set_config('textback.user_id', :user_id, true), "
    "set_config('textback.presented', :presented, true), set_config('lock_timeout', '5s', true), "
    "set_config('statement_timeout', '30s', true), "
    "set_config('idle_in_transaction_session_timeout', '30s', true), "
    "case when current_setting('server_version_num')::int >= 170000 "
    "then set_config('transaction_timeout', '2min', true) end"
)

# Postgres looks whether a silent client is still there. By itself it would after two hours, or a
# quarter of one with an answer under way: so long would be locked what a machine held that lost its
# power. Behind a pooler it is the pooler that is looked for.
_GREETING = (
    "select pg_backend_pid(), set_config('tcp_keepalives_idle', '10', false), "
    "set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '2', false), "
    "set_config('tcp_user_timeout', '20s', false)"
)

# Statements of a connection that are seen more often than this are prepared.
PREPARE_AFTER = 5

# Longer than any statement may take there. What is silent for longer is half-open: something on the
# way still acknowledges what we send, so that TCP notices nothing, and no answer will ever come.
ANSWER_SECONDS = 35.0

# Postgres ended a transaction that took too long. To psycopg these are mistakes of ours; to whoever
# waits the connection is gone, and all may be well at the next attempt.
_TOO_LONG = (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.TransactionTimeout)

_ENDS = {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}


class Connection(psycopg.Connection[Any]):
    """One of ours: in autocommit for psycopg, which would else send a `begin` of its own.

    Attributes:
        opening: what the statement that opens the transaction is given, until that is sent.
        used_at: the clock when a transaction last ended here.
        transformer: reads values; it remembers how, so one serves for all answers.
    """

    opening: Mapping[str, str] | None
    used_at: float
    transformer: psycopg.abc.Transformer
    _names: dict[str, bytes]
    _numbers: count[int]

    @classmethod
    def open(cls, *arguments: Any, **options: Any) -> Self:
        """Connect, and find out whether statements may be prepared.

        A transaction pooler lends a server's connection to others, who would meet what was prepared
        there. It is told by the process we are connected to: it is not the one that was announced.
        """
        options |= {"autocommit": True, "cursor_factory": Cursor, "prepare_threshold": None}
        connection = cls.connect(*arguments, **options)
        connection.opening = None
        connection.used_at = time.monotonic()
        connection._names = {}
        connection._numbers = count()
        connection.transformer = Transformer(connection)
        row = connection.execute(_GREETING).fetchone()
        if row is not None and row[0] == connection.info.backend_pid:
            connection.prepare_threshold = PREPARE_AFTER
        return connection

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Give up on a server that owes an answer for too long, instead of waiting for ever."""
        try:
            return self._wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {ANSWER_SECONDS} s") from None
        except psycopg.Error as error:
            told = _as_told(error)
            if told is error:
                raise
            raise told from None
        except BaseException:  # a time limit, say: the answer is still to come, for nobody
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise

    def _wait(self, gen: Any, interval: float, timeout: float) -> Any:
        return super().wait(gen, interval, timeout)

    def is_alive(self) -> bool:
        """Whether the server has not closed the connection, as far as has been heard here."""
        try:
            for _ in range(2):  # a farewell may come before the end
                self.pgconn.consume_input()
        except psycopg.OperationalError:
            return False
        return not self.closed

    def answers(self) -> bool:
        """Whether the server says so itself; for a connection in no transaction."""
        self.opening = None
        try:
            self.execute("select 1", prepare=False)
        except psycopg.OperationalError:
            return False
        return True

    def rest(self) -> None:
        """Note that the transaction is over; what goes on here nobody would end."""
        self.opening = None
        self.used_at = time.monotonic()
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            self.close()

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Return a cursor; one that lives on the server needs its transaction at once."""
        if arguments or options.get("name"):
            self.open_now()
        return super().cursor(*arguments, **options)

    def open_now(self) -> None:
        """Open the transaction without waiting for its first statement."""
        if self.opening is not None:
            with self.opened_with():
                pass

    def be_heard(self) -> None:
        """Have Postgres count our silence from here; after a pipeline of psycopg's it does not."""
        psycopg.Cursor(self).execute("select 1", prepare=False)

    @contextmanager
    def opened_with(self) -> Iterator[None]:
        """Send what opens the transaction together with what is executed within."""
        values, self.opening = self.opening, None
        try:
            self._pipeline = Envelope(self)
            with self.pipeline():
                try:
                    psycopg.Cursor(self).execute("begin", prepare=False)
                    psycopg.Cursor(self).execute(OPEN.pyformat, values)
                    yield
                except psycopg.Error:
                    raise
                except BaseException:
                    self.close()  # or leaving the pipeline would send it, and wait for the answers
                    raise
        except BaseException as error:
            if self.closed or self.pgconn.pipeline_status == PipelineStatus.OFF:
                raise
            # A time-out struck while we waited, and the answers are still to come. psycopg speaks
            # of the pipeline it cannot leave instead.
            self.close()
            raise error.__context__ or error from None
        finally:
            self._pipeline = None

    def transact(self, statements: Sequence[tuple[Statement, Mapping[str, Any]]]) -> list[PGresult]:
        """Do statements as one transaction, in one message and one answer; return their results.

        What is sent up to a sync is a transaction of its own, which the server commits there, so no
        `begin` and `commit` are needed. psycopg's own pipeline would send each statement by itself,
        and wait for each.

        Raises:
            psycopg.Error: the server refused one, and all are undone.
        """
        if self.opening is None or self.pgconn.transaction_status != TransactionStatus.IDLE:
            self.close()
            raise psycopg.OperationalError("a step within another transaction would not end it")
        messages = [
            (one, one.parameters(values)) for one, values in [(OPEN, self.opening), *statements]
        ]
        self.opening = None
        pgconn = self.pgconn
        prepared: dict[str, bytes] = {}
        places, expected = [], 0
        pgconn.enter_pipeline_mode()
        try:
            for statement, parameters in messages:
                expected += self._send(statement, parameters, prepared)
                places.append(expected - 1)
            pgconn.pipeline_sync()
            results = self.wait(_answers(pgconn))
            pgconn.exit_pipeline_mode()
        except BaseException:
            self.close()  # its answers are still to come
            raise
        for result in results:
            if result.status not in _ENDS:
                raise _as_told(psycopg.errors.error_from_result(result))
        self._names |= prepared
        return [results[place] for place in places[1:]]

    def _send(
        self, statement: Statement, parameters: list[bytes | None], prepared: dict[str, bytes]
    ) -> int:
        """Return how many results will come of it."""
        pgconn = self.pgconn
        if self.prepare_threshold is None or not statement.names:
            pgconn.send_query_params(statement.numbered, parameters)
            return 1
        name = self._names.get(statement.text)
        if name is not None:
            pgconn.send_query_prepared(name, parameters)
            return 1
        name = prepared[statement.text] = f"step_{next(self._numbers)}".encode()
        pgconn.send_prepare(name, statement.numbered)
        pgconn.send_query_prepared(name, parameters)
        return 2

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        """Note that psycopg makes the server forget all that was prepared, as after a rollback."""
        if name is None:
            self._names.clear()
        return super()._deallocate(name)


class Envelope(psycopg.Pipeline):
    """A pipeline that leaves in one piece, and ends with the sync.

    psycopg sends each statement by itself, and the server does it at once; after the sync it sends
    a flush. Postgres counts a client's silence from the answer to a sync, and until the next
    message of any kind: whoever was frozen before the one or after the other held what its
    statement had locked without any limit.
    """

    def _communicate_gen(self) -> PQGen[None]:
        yield from ()  # at the end all goes at once

    def _exit_gen(self) -> PQGen[None]:
        self._enqueue_sync()
        while self.command_queue:  # each fills libpq's buffer, the last one empties it
            self.command_queue.popleft()()
        yield from send(self.pgconn)
        yield from self._fetch_gen(flush=False)


class Cursor(psycopg.Cursor[Any]):
    """Opens the transaction with the first statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Execute a statement, after what opens the transaction if that is still to be sent."""
        connection = self.connection
        if not isinstance(connection, Connection) or connection.opening is None:
            return super().execute(query, params, **options)
        with connection.opened_with():
            super().execute(query, params, **options)
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Execute a statement many times, in a transaction that is open."""
        self._open_now()
        super().executemany(query, params_seq, **options)
        if isinstance(self.connection, Connection):
            self.connection.be_heard()

    def copy(self, *arguments: Any, **options: Any) -> Any:
        """Copy rows in or out, in a transaction that is open."""
        self._open_now()
        return super().copy(*arguments, **options)

    def stream(self, *arguments: Any, **options: Any) -> Any:
        """Read rows as they come, in a transaction that is open."""
        self._open_now()
        return super().stream(*arguments, **options)

    def _open_now(self) -> None:
        if isinstance(self.connection, Connection):
            self.connection.open_now()


def _as_told(error: psycopg.Error) -> psycopg.Error:
    return psycopg.OperationalError(str(error)) if isinstance(error, _TOO_LONG) else error


def _answers(pgconn: psycopg.pq.abc.PGconn) -> PQGen[list[PGresult]]:
    """Send what is left to send, and read up to the end of the pipeline."""
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
    results: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            continue  # the end of one statement's results
        if result.status == ExecStatus.PIPELINE_SYNC:
            return results
        results.append(result)
