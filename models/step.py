"""A transaction in one round trip: `begin`, role, statements and `commit` are sent together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError

from models.connection import Connection


class Step:
    """Statements that are sent, with what commits them, when the first answer is read.

    Nothing can be added after that, or taken back: an error of the server undoes them all, an
    answer that displeases does not. Made for statements that write all or nothing by themselves.
    """

    def __init__(self, connection: Connection) -> None:
        """`connection` has a transaction open or to be opened."""
        self.info: dict[str, Any] = {}
        self._connection = connection
        self._waiting: list[tuple[psycopg.Cursor[Any], str, Mapping[str, Any]]] = []
        self._is_sent = False

    def execute(self, statement: TextClause, values: Mapping[str, Any]) -> Answer:
        """Add a statement; it is sent when an answer is read, this one or another."""
        if self._is_sent:
            raise RuntimeError("this transaction has been committed")
        cursor = psycopg.Cursor(self._connection, row_factory=namedtuple_row)
        self._waiting.append((cursor, _driver_sql(statement), values))
        return Answer(self, cursor)

    def send(self) -> None:
        """Do everything and commit it, unless that is done.

        Raises:
            DBAPIError: as SQLAlchemy does.
        """
        if self._is_sent:
            return
        self._is_sent = True
        if not self._waiting:
            return
        try:
            with self._connection.together():
                self._connection.send_opening()
                for cursor, sql, values in self._waiting:
                    cursor.execute(sql, values, prepare=True)
                psycopg.Cursor(self._connection).execute("commit", prepare=False)
        except psycopg.Error as error:
            raise DBAPIError.instance(
                "; ".join(sql for _, sql, _ in self._waiting), None, error, psycopg.Error,
                hide_parameters=True, connection_invalidated=bool(self._connection.closed),
            ) from error  # fmt: skip


class Answer:
    """The rows that a statement returns."""

    def __init__(self, step: Step, cursor: psycopg.Cursor[Any]) -> None:
        """Made by Step."""
        self._step = step
        self._cursor = cursor

    def one_or_none(self) -> Any | None:
        """Return the row, or None if there is none."""
        self._step.send()
        row = self._cursor.fetchone()
        if row is not None and self._cursor.fetchone() is not None:
            raise ValueError("more than one row")
        return row


@cache
def _driver_sql(statement: TextClause) -> str:
    return str(statement.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]
