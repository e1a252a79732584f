"""Whether this process lives, and whether it can take work in."""

from __future__ import annotations

import threading
from typing import Any

from flask import Blueprint
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import Database
from webapp.db import database
from webapp.errors import ProblemError

health = Blueprint("health", __name__)
_PATIENCE_SECONDS = 1.5


@health.get("/healthz")
def is_alive() -> dict[str, Any]:
    """Say that this process answers; nothing else is looked at."""
    return {"status": "ok"}


@health.get("/readyz")
def is_ready() -> dict[str, Any]:
    """Say whether Postgres is there. Without Redis everything goes on, only slower."""
    if not _reaches(database()):
        raise ProblemError("database_unavailable", headers={"Retry-After": "5"})
    return {"status": "ok"}


def _reaches(pool: Database) -> bool:
    """Ask on a thread of its own: a frozen server must not hold this answer."""
    reached = threading.Event()

    def ask() -> None:
        try:
            with pool.engine.connect() as connection:
                connection.execute(text("select 1"))
        except SQLAlchemyError:
            return
        reached.set()

    thread = threading.Thread(target=ask, name="readiness", daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)
    return reached.is_set()
