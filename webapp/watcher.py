"""Somebody who waits for the next state of one job."""

from __future__ import annotations

import threading
from typing import Protocol
from uuid import UUID

from webapp.auth import CurrentPerson
from webapp.outlet import Outlet
from webapp.snapshot import Snapshot


class WatchEndedError(Exception):
    """The watcher may not read any more: the job is gone, the credential ended or we stop."""


class Watching(Protocol):
    """What a watcher tells the hub."""

    def note(self, job_id: UUID, snapshot: Snapshot) -> None:
        """A state was read without the hub."""

    def forget(self, watcher: Watcher) -> None:
        """It watches no more."""


class Watcher:
    """Somebody who waits for the next state of one job; watched until it is closed."""

    def __init__(self, hub: Watching, job_id: UUID, person: CurrentPerson) -> None:
        """Made by `Hub.watch`."""
        self.job_id = job_id
        self.person = person
        self._hub = hub
        self._changed = threading.Event()
        self._latest: Snapshot | None = None
        self._ended = False
        self._told = ""
        self._outlet: Outlet | None = None
        self._rests = False

    def next(self, timeout: float) -> Snapshot | None:
        """Return the newest state when there is a new one, or None after `timeout` seconds.

        A slow reader misses states in between, never the last.

        Raises:
            WatchEndedError: there will be no more.
        """
        if not self._ended:
            self._rests = True
            self._changed.wait(timeout)
            self._rests = False
        if self._outlet is not None:
            self._outlet.finish()
        self._changed.clear()
        snapshot, self._latest = self._latest, None
        if snapshot is None and self._ended:
            raise WatchEndedError
        return snapshot

    def saw(self, snapshot: Snapshot) -> None:
        """Tell what was read without the hub after the watch began."""
        self._told = snapshot.tag
        self._hub.note(self.job_id, snapshot)

    def is_news(self, snapshot: Snapshot) -> bool:
        """Whether this is another state than the reader was told last; from now on it was told."""
        before, self._told = self._told, snapshot.tag
        return before != snapshot.tag

    def go_past_us(self, outlet: Outlet | None) -> None:
        """Let the hub write to the reader while we rest: nobody is woken for it then."""
        self._outlet = outlet

    def offer(self, snapshot: Snapshot) -> None:
        """Hand over a state; the hub calls this."""
        if self._sends(snapshot):
            return
        self._latest = snapshot
        self._changed.set()

    def end(self) -> None:
        """Say that there will be no more; the hub calls this."""
        self._ended = True
        self._changed.set()

    def close(self) -> None:
        """Watch no more."""
        self._outlet = None
        self._hub.forget(self)

    def _sends(self, snapshot: Snapshot) -> bool:
        """Whether the reader has this state now, without the one who waits in `next`."""
        # After the end there is more to do than to send, and what is woken writes itself.
        if self._outlet is None or snapshot.is_final or not self._rests or self._changed.is_set():
            return False
        if snapshot.tag == self._told:
            return True
        if not self._outlet.send(snapshot.chunk):
            return False
        self._told = snapshot.tag
        if not self._outlet.is_clear:
            self._changed.set()
        return True
