"""The transaction of a sweep: short, patient with nobody, and left out where that is asked for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import Database

# A sweep that is frozen, or waits for one that is, lets go soon and is done again.
_BEGIN = text(
    "select set_config('statement_timeout', '5s', true), set_config('lock_timeout', '2s', true), "
    "set_config('idle_in_transaction_session_timeout', '5s', true), "
    "case when :alone then pg_try_advisory_xact_lock(:lock) else true end as may_go_on"
)


@contextmanager
def sweeping(name: str, *, alone: bool, database: Database) -> Iterator[Session | None]:
    """Open the transaction of a sweep; with `alone` None where another process is at it."""
    lock = zlib.crc32(f"textback sweep {name}".encode())
    with database.operator() as session:
        row = session.execute(_BEGIN, {"alone": alone, "lock": lock}).one()
        yield session if row.may_go_on else None
