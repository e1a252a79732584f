"""A statement with `:named` values, in the spellings that drivers and Postgres want."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_SENT_AS_TEXT = (str, int, float, UUID)


class Statement:
    """SQL text and the names of its values, in order.

    Attributes:
        text: with `:name`.
        pyformat: with `%(name)s`.
        numbered: with `$1`.
        names: which name is which number.
        row: makes what is returned for a row of its answer; known with the first of them.
    """

    row: Callable[[Sequence[Any]], Any] | None = None

    def __init__(self, sql: str) -> None:
        """Translate it once."""
        self.text = sql
        self.pyformat = str(text(sql).compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]
        compiled = text(sql).compile(dialect=PGDialect_psycopg(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]
        self.numbered = str(compiled).encode()
        self.names = tuple(getattr(compiled, "positiontup", None) or ())

    def parameters(self, values: Mapping[str, Any]) -> list[bytes | None]:
        """Return the values in order, as text whose types Postgres infers."""
        return [_as_text(values[name]) for name in self.names]


@cache
def statement(sql: str) -> Statement:
    """Return the statement of this text, translated once a process."""
    return Statement(sql)


def _as_text(value: object) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, _SENT_AS_TEXT):
        words = str(value).encode()
        if b"\0" in words:
            raise psycopg.DataError("Postgres keeps no NUL")  # what follows would be cut off
        return words
    raise TypeError(f"no way is known to send a {type(value).__name__}")
