"""What must be true of the database before a process begins to serve."""

from __future__ import annotations

import time

from sqlalchemy.exc import OperationalError

from models import Database, Settings
from models.errors import TextbackError
from models.row_security import assert_database_is_safe

WAIT_SECONDS = 30


def wait_for_safe_database(settings: Settings) -> None:
    """Wait for Postgres and refuse a login that row level security does not bind.

    Raises:
        DatabaseUnsafeError: says what is wrong and what would be right.
        TextbackError: Postgres did not answer within half a minute.
    """
    database = Database(settings)
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while True:
            try:
                assert_database_is_safe(database)
            except OperationalError:
                if time.monotonic() > deadline:
                    raise TextbackError("DATABASE_URL: Postgres does not answer there.") from None
                time.sleep(0.5)
            else:
                return
    finally:
        database.dispose()
