"""A transaction in one round trip: its role and its statements are sent together."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.pq.abc import PGresult
from sqlalchemy import TextClause
from sqlalchemy.exc import DBAPIError

from models.connection import Connection
from models.statement import Statement, statement


class Step:
    """Statements that are sent, with what commits them, when the first answer is read.

    Nothing can be added after that, or taken back: an error of the server undoes them all, an
    answer that displeases does not. Made for statements that write all or nothing by themselves.
    """

    def __init__(self, connection: Connection) -> None:
        """`connection` has a transaction to be opened."""
        self.info: dict[str, Any] = {}
        self._connection = connection
        self._statements: list[tuple[Statement, Mapping[str, Any]]] = []
        self._results: list[PGresult] | None = None

    def execute(self, clause: TextClause, values: Mapping[str, Any]) -> Answer:
        """Add a statement; it is sent when an answer is read, this one or another."""
        if self._results is not None:
            raise RuntimeError("this transaction has been committed")
        self._statements.append((statement(clause.text), values))
        return Answer(self, len(self._statements) - 1)

    def send(self) -> None:
        """Do everything and commit it, unless that is done.

        Raises:
            DBAPIError: as SQLAlchemy does.
        """
        if self._results is not None:
            return
        self._results = []
        if not self._statements:
            return
        try:
            self._results = self._connection.transact(self._statements)
        except psycopg.Error as error:
            raise DBAPIError.instance(
                "; ".join(one.text for one, _ in self._statements), None, error, psycopg.Error,
                hide_parameters=True, connection_invalidated=bool(self._connection.closed),
            ) from error  # fmt: skip

    def row(self, place: int) -> Any | None:
        """Return the row that the statement in this place returned."""
        self.send()
        assert self._results is not None  # noqa: S101 - sent
        result = self._results[place]
        if result.ntuples > 1:
            raise ValueError("more than one row")
        if result.ntuples == 0:
            return None
        sent = self._statements[place][0]
        make = sent.row = sent.row or _row_maker(result)
        transformer = self._connection.transformer
        transformer.set_pgresult(result)
        row = transformer.load_row(0, make)
        transformer.set_pgresult(None)  # it may hold megabytes
        return row


class Answer:
    """The row that a statement returns, if it returns one."""

    def __init__(self, step: Step, place: int) -> None:
        """Made by Step."""
        self._step = step
        self._place = place

    def one_or_none(self) -> Any | None:
        """Return the row, or None if there is none."""
        return self._step.row(self._place)


def _row_maker(result: PGresult) -> Any:
    names = tuple((result.fname(number) or b"").decode() for number in range(result.nfields))
    row: Any = namedtuple("Row", names)  # type: ignore[misc]  # known only now
    return row._make
