"""The database as requests reach it: one short transaction a step, none while anybody waits."""

from __future__ import annotations

from flask import Flask, current_app

from models import Database, Settings

_KEY = "textback.database"
_SETTINGS = "textback.settings"


def init_database(app: Flask, settings: Settings) -> Database:
    """Give the application its pool; no connection is opened yet."""
    database = Database(settings)
    app.extensions[_KEY] = database
    app.extensions[_SETTINGS] = settings
    return database


def database() -> Database:
    """Return the pool: `with database().owner(person.id) as session` is one transaction."""
    found: Database = current_app.extensions[_KEY]
    return found


def settings() -> Settings:
    """Return the settings of this application."""
    found: Settings = current_app.extensions[_SETTINGS]
    return found
