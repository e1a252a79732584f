"""The database as requests reach it: one short transaction a step, none while anybody waits, and
nobody kept waiting by a server that has fallen silent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import gevent
from flask import Flask, current_app
from gevent.monkey import is_module_patched
from sqlalchemy import event, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from models import Database, Settings
from models.errors import TextbackError
from webapp.gevent_wait import GeventConnection
from webapp.seats import Seats

_KEY = "textback.database"
_SETTINGS = "textback.settings"
# For a connection, and then for each answer of Postgres. A frozen server, or one whose network
# swallows everything, gives no error at all; whoever asks is to hear of it within 2 s.
PATIENCE_SECONDS = 1.6
# While Postgres answers others it is only busy, or we are: then a place in the pool, or an answer,
# is worth waiting for, though not for ever.
_BUSY_SECONDS = 5.0
_READY_SECONDS = 1.5
# So many transactions at once are what the pool keeps connections for. Each further one opens its
# own, which costs more than most are for: so it waits for one of those first, for so long, as long
# as they come free.
_AT_ONCE = 5
_SEAT_SECONDS = 3.0
_QUIET_SECONDS = 0.3


class SilentDatabaseError(TextbackError):
    """Postgres does not answer."""


# All the ways in which Postgres is away; nothing is wrong with the request then.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError, SilentDatabaseError)

_timer: ContextVar[_Patience | None] = ContextVar("timer", default=None)
_has_seat: ContextVar[bool] = ContextVar("has_seat", default=False)


class WebDatabase(Database):
    """A pool whose transactions end with SilentDatabaseError when Postgres falls silent."""

    def __init__(self, settings: Settings) -> None:
        """Each statement and each commit may take PATIENCE_SECONDS anew."""
        if is_module_patched("socket"):
            self.connection_class = GeventConnection
        super().__init__(settings, pool_size=_AT_ONCE + 1)  # one for who waits for no seat
        self.heard_at = 0.0
        self._seats = Seats(_AT_ONCE)
        event.listen(self.engine, "before_cursor_execute", _wait_anew)
        event.listen(self.engine, "commit", _wait_anew)
        for answered in ("after_cursor_execute", "connect"):
            event.listen(self.engine, answered, self._hear)

    def is_reachable(self) -> bool:
        """Whether Postgres answers, and soon."""
        try:
            with self._patience(_READY_SECONDS), self.engine.connect() as connection:
                connection.execute(text("select 1"))
        except DATABASE_AWAY:
            return False
        return True

    @contextmanager
    def _transaction(self, *args: Any, **values: Any) -> Iterator[Session]:
        with (
            self._patience(PATIENCE_SECONDS),
            self._seat(),
            super()._transaction(*args, **values) as session,
        ):
            yield session

    @contextmanager
    def _seat(self) -> Iterator[None]:
        """Wait for one of the connections that are kept, but not for long."""
        if _has_seat.get():
            yield
            return
        self._take_seat()
        had = _has_seat.set(True)
        try:
            yield
        finally:
            self._seats.give_back()
            _has_seat.reset(had)

    def _take_seat(self) -> None:
        until = time.monotonic() + _SEAT_SECONDS

        def is_worth_it() -> bool:
            now = time.monotonic()
            return now < until and now - self._seats.moved_at < _QUIET_SECONDS

        self._seats.take(_QUIET_SECONDS, is_worth_it)

    def _hear(self, *_about: object) -> None:
        self.heard_at = time.monotonic()

    @contextmanager
    def _patience(self, seconds: float) -> Iterator[None]:
        """Give up after so long without an answer.

        gevent's time-out is no Exception, so SQLAlchemy throws the connection away whose answer is
        still outstanding instead of lending it to the next request. Without gevent, as in tests and
        commands, nobody else waits behind us and there is no limit.

        Raises:
            SilentDatabaseError: Postgres said nothing for that long.
        """
        if not is_module_patched("socket"):
            yield
            return
        timer = _Patience(self, seconds)
        timer.start()
        before = _timer.set(timer)
        try:
            yield
        except gevent.Timeout as expired:
            if expired is not timer:
                raise
            raise SilentDatabaseError from None
        finally:
            _timer.reset(before)
            timer.close()


@contextmanager
def ahead_of_all() -> Iterator[None]:
    """Let this thread's transactions wait for no seat; for the one that reads for many."""
    had = _has_seat.set(True)
    try:
        yield
    finally:
        _has_seat.reset(had)


class _Patience(gevent.Timeout):
    """Expires when Postgres has been silent for so long, towards us and towards everybody."""

    timer: Any

    def __init__(self, database: WebDatabase, seconds: float) -> None:
        super().__init__(seconds)
        self._database = database
        self._seconds = seconds
        self._began = 0.0

    def start(self) -> None:
        self._began = time.monotonic()
        super().start()

    def start_anew(self) -> None:
        """Begin to wait for the next answer. The timer runs on: what counts is when we began."""
        self._began = time.monotonic()

    def _on_expiration(self, waiting: Any, expired: BaseException) -> None:
        """Throw, or wait for what is left since Postgres was heard of; gevent's own hook."""
        now = time.monotonic()
        quiet_until = max(self._began, self._database.heard_at) + self._seconds
        left = min(quiet_until, self._began + _BUSY_SECONDS) - now
        if left <= 0:
            super()._on_expiration(waiting, expired)
            return
        self.timer.close()
        self.timer = gevent.get_hub().loop.timer(left)
        self.timer.start(self._on_expiration, waiting, expired, update=True)


def _wait_anew(*_about: object) -> None:
    timer = _timer.get()
    if timer is not None:
        timer.start_anew()


def init_database(app: Flask, settings: Settings) -> Database:
    """Give the application its pool; no connection is opened yet."""
    database = WebDatabase(settings)
    app.extensions[_KEY] = database
    app.extensions[_SETTINGS] = settings
    return database


def database() -> WebDatabase:
    """Return the pool: `with database().owner(person.id) as session` is one transaction."""
    found: WebDatabase = current_app.extensions[_KEY]
    return found


def settings() -> Settings:
    """Return the settings of this application."""
    found: Settings = current_app.extensions[_SETTINGS]
    return found
