"""Whether this process lives, and whether it can take work in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from webapp.db import database
from webapp.errors import ProblemError

health = Blueprint("health", __name__)


@health.get("/healthz")
def is_alive() -> dict[str, Any]:
    """Say that this process answers; nothing else is looked at."""
    return {"status": "ok"}


@health.get("/readyz")
def is_ready() -> dict[str, Any]:
    """Say whether Postgres is there. Without Redis everything goes on, only slower."""
    if not database().is_reachable():
        raise ProblemError("database_unavailable", headers={"Retry-After": "5"})
    return {"status": "ok"}
