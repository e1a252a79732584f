"""Celery's result backend keeps to the worker's role, transaction by transaction."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event


def use_worker_role(engine: Engine) -> None:
    """Choose the role at each begin: behind a transaction pooler a session has no settings."""

    @event.listens_for(engine, "begin")
    def choose(connection: Connection) -> None:
        connection.exec_driver_sql("set local role textback_worker")
