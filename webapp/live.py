"""Changes of jobs, brought to everybody who watches: one subscription and one read for all.

A wake-up from Redis names a job; its row is then read once and handed to all its watchers in this
process. Watchers hold no transaction and no connection, and who may read is checked at each read.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import redis
from flask import Flask, current_app
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from models import Database, Settings
from models.job import queue_positions
from tasks.runtime import PERSON_CHANNEL, WAKE_CHANNEL
from webapp.auth import CurrentPerson, live_credentials
from webapp.db import DATABASE_AWAY, ahead_of_all
from webapp.people import Listener, People
from webapp.places import Places, no_place
from webapp.resources.job_json import read_view
from webapp.snapshot import Snapshot
from webapp.watcher import Watcher

log = logging.getLogger(__name__)

_KEY = "textback.live"
# A lost wake-up costs this much; places in the queue move without one.
_READ_AGAIN_SECONDS = 15.0
_PLACES_SECONDS = 3.0
# A job that was asked to stop ends when it is read after its lease, if no worker does it before.
_STOPPING_SECONDS = 3.0
# So many of these in a row; but one while changes are told, which would wait behind them.
_STALE_AT_ONCE = 4
_POLL_SECONDS = 1.5
_LOOK_SECONDS = 0.25
_AWAY_SECONDS = 1.0
_PING_SECONDS = 2.0
_SILENCE_SECONDS = 5.0


class Hub:
    """All watchers of one web process, the thread that hears of changes and the one that reads."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Nothing is started before the first watcher."""
        self._database = database
        self._redis_url = settings.redis_url.get_secret_value()
        self._lock = threading.Lock()
        self._watched: dict[UUID, set[Watcher]] = {}
        self._places = Places()
        self._people = People(self._places)
        self._read_at: dict[UUID, float] = {}
        # Those that wait in the queue, with the place that was read last.
        self._queued: dict[UUID, int] = {}
        self._stopping: set[UUID] = set()
        self._dirty: set[UUID] = set()
        self._woken = threading.Event()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._redis_away = True
        self._looked_at = 0.0
        self._placed_at = 0.0

    def watch(self, job_id: UUID, person: CurrentPerson) -> Watcher:
        """Return a watcher that hears of every change from now on.

        Raises:
            ProblemError: too many watch already, this person too often, or the process is stopping.
        """
        watcher = Watcher(self, job_id, person)
        self._places.take(person.id)
        with self._lock:
            if self._closed.is_set():
                self._places.give_back(person.id)
                raise no_place()
            self._watched.setdefault(job_id, set()).add(watcher)
            self._read_at.setdefault(job_id, time.monotonic())
            self._start()
        return watcher

    def listen(self, person_id: UUID) -> Listener:
        """Return a listener that is told whenever a job of this person begins or ends.

        Raises:
            ProblemError: as `watch`.
        """
        listener = self._people.listen(person_id)
        with self._lock:
            self._start()
        return listener

    def forget(self, watcher: Watcher) -> None:
        """Take a watcher away."""
        with self._lock:
            watchers = self._watched.get(watcher.job_id)
            if watchers is None or watcher not in watchers:
                return
            watchers.remove(watcher)
            if not watchers:
                self._watched.pop(watcher.job_id)
                self._read_at.pop(watcher.job_id, None)
                self._queued.pop(watcher.job_id, None)
                self._stopping.discard(watcher.job_id)
        self._places.give_back(watcher.person.id)

    def note(self, job_id: UUID, snapshot: Snapshot) -> None:
        """Remember what of a watched job changes without a word from anybody."""
        self._note_place(job_id, snapshot.place)
        with self._lock:
            if snapshot.is_stopping and job_id in self._watched:
                self._stopping.add(job_id)
            else:
                self._stopping.discard(job_id)

    def _note_place(self, job_id: UUID, place: int | None) -> None:
        """Remember the place a watched job had when it was read; None when it waits no more."""
        with self._lock:
            if place is None or job_id not in self._watched:
                self._queued.pop(job_id, None)
            else:
                self._queued[job_id] = place

    def close(self) -> None:
        """End every watcher and both threads."""
        self._closed.set()
        with self._lock:
            watchers = [watcher for group in self._watched.values() for watcher in group]
        for watcher in watchers:
            watcher.end()
        self._people.close()
        self._woken.set()
        for thread in self._threads:
            thread.join(5)

    @property
    def watcher_count(self) -> int:
        """How many watch or listen."""
        return self._places.taken

    def _start(self) -> None:
        if self._threads:
            return
        for name, target in (("wake-ups", self._listen), ("live reader", self._read)):
            thread = threading.Thread(target=target, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    # Hearing of changes

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                self._hear()
            except (RedisError, OSError) as error:
                if not self._redis_away:
                    log.warning("wake-ups away, rows are polled: %s", type(error).__name__)
                self._redis_away = True
                self._closed.wait(1)

    def _hear(self) -> None:
        """Pass on wake-ups until Redis is gone or silent."""
        with _subscription(self._redis_url) as subscription:
            heard = pinged = time.monotonic()
            while not self._closed.is_set():
                message = subscription.get_message(timeout=_LOOK_SECONDS)
                now = time.monotonic()
                if message is not None:
                    heard = now
                    self._understand(message)
                elif now - heard > _SILENCE_SECONDS:
                    raise redis.ConnectionError("Redis is silent")
                if now - pinged > _PING_SECONDS:
                    pinged = now
                    subscription.ping()

    def _understand(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            # What was said before is lost: look at everything once.
            self._redis_away = False
            with self._lock:
                self._dirty.update(self._watched)
            self._woken.set()
            self._people.tell_all()
        elif message["type"] == "message":
            try:
                named = UUID(message["data"].decode())
            except ValueError:
                return
            if message["channel"] == PERSON_CHANNEL.encode():
                self._people.tell(named)
                return
            with self._lock:
                if named not in self._watched:
                    return
                self._dirty.add(named)
            self._woken.set()

    # Reading rows

    def _read(self) -> None:
        while not self._closed.is_set():
            self._woken.wait(_LOOK_SECONDS)
            self._woken.clear()
            due = self._take_due()
            try:
                with ahead_of_all():
                    self._refresh_all(due)
            except DATABASE_AWAY as error:
                log.warning("live reads wait, the database is away: %s", type(error).__name__)
                with self._lock:
                    self._dirty |= due
                self._closed.wait(_AWAY_SECONDS)

    def _refresh_all(self, due: set[UUID]) -> None:
        """Read what is due; what is read is taken out of the set."""
        places = self._read_places(due)
        for job_id in tuple(due):
            try:
                self._refresh(job_id, places)
            except DATABASE_AWAY:
                raise
            except Exception as error:  # noqa: BLE001 - one row must not silence all others
                log.error("live read failed job_id=%s error=%s", job_id, type(error).__name__)  # noqa: TRY400 - its text may hold values
            due.discard(job_id)

    def _take_due(self) -> set[UUID]:
        now = time.monotonic()
        with self._lock:
            due = self._dirty & self._watched.keys()
            self._dirty.clear()
            if now - self._looked_at >= _LOOK_SECONDS:
                self._looked_at = now
                due |= self._take_stale(now, 1 if due and not self._redis_away else _STALE_AT_ONCE)
            for job_id in due:
                self._read_at[job_id] = now
        return due

    def _take_stale(self, now: float, most: int) -> set[UUID]:
        """Return some that were not read for long; while there are more, they are next."""
        stale = [
            job_id
            for job_id, read_at in self._read_at.items()
            if now - read_at >= self._patience(job_id)
        ]
        if len(stale) > most:
            self._looked_at = 0.0
            self._woken.set()
        return set(heapq.nsmallest(most, stale, key=self._read_at.__getitem__))

    def _patience(self, job_id: UUID) -> float:
        if self._redis_away:
            return _POLL_SECONDS
        return _STOPPING_SECONDS if job_id in self._stopping else _READ_AGAIN_SECONDS

    def _read_places(self, due: set[UUID]) -> dict[UUID, int]:
        """Return the places of the waiting jobs among these: one statement for all.

        Now and then of every waiting job; those that have moved, or wait no more, become due.
        """
        now = time.monotonic()
        with self._lock:
            known = dict(self._queued)
        is_round = now - self._placed_at >= _PLACES_SECONDS
        asked = known.keys() if is_round else known.keys() & due
        if not asked:
            return {}
        with self._database.gate(b"") as session:
            places = queue_positions(session, asked)
        if is_round:
            self._placed_at = now
            moved = {job_id for job_id in asked if places.get(job_id) != known[job_id]}
            for job_id in moved:
                self._note_place(job_id, places.get(job_id))
            with self._lock:
                due |= moved & self._watched.keys()
        return places

    def _refresh(self, job_id: UUID, places: Mapping[UUID, int]) -> None:
        """Read a row once for all who watch it, and hand it to those who still may read."""
        with self._lock:
            watchers = list(self._watched.get(job_id, ()))
        for owner_id in {watcher.person.id for watcher in watchers}:
            group = [watcher for watcher in watchers if watcher.person.id == owner_id]
            with self._database.owner(owner_id) as session:
                # In this order: a row that was written after a credential was taken back is read
                # by nobody who had that.
                view = read_view(session, job_id, places)
                live = live_credentials(session, {one.person.credential for one in group})
            snapshot = None if view is None else Snapshot.of(view)
            if snapshot is not None:
                self.note(job_id, snapshot)
            for watcher in group:
                if snapshot is None or watcher.person.credential not in live:
                    watcher.end()
                else:
                    watcher.offer(snapshot)


@contextmanager
def _subscription(url: str) -> Iterator[Any]:
    client = redis.Redis.from_url(
        url, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    )
    subscription: Any = client.pubsub()  # type: ignore[no-untyped-call]
    try:
        subscription.subscribe(WAKE_CHANNEL, PERSON_CHANNEL)
        yield subscription
    finally:
        subscription.close()
        client.close()


def init_live(app: Flask, database: Database, settings: Settings) -> None:
    """Give the application its hub."""
    app.extensions[_KEY] = Hub(database, settings)


def hub(app: Flask | None = None) -> Hub:
    """Return the hub of this application."""
    found: Hub = (app or current_app).extensions[_KEY]
    return found
