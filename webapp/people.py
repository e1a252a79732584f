"""Who has a page open: they hear that something of theirs has begun or ended, and look again.

Nothing of what happened is told here, so nothing has to be read for it.
"""

from __future__ import annotations

import threading
from uuid import UUID

from webapp.places import Places, no_place


class Listener:
    """A page that is open; it listens until it is closed."""

    def __init__(self, people: People, person_id: UUID) -> None:
        """Made by `People.listen`."""
        self.person_id = person_id
        self.is_over = False
        self._people = people
        self._told = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Return whether something was told within this time."""
        is_told = self._told.wait(seconds)
        self._told.clear()
        return is_told

    def tell(self) -> None:
        """Say that something has changed."""
        self._told.set()

    def end(self) -> None:
        """Say that there will be no more."""
        self.is_over = True
        self._told.set()

    def close(self) -> None:
        """Listen no more."""
        self._people.forget(self)


class People:
    """All listeners of one web process, by person."""

    def __init__(self, places: Places) -> None:
        """Nobody listens yet."""
        self._places = places
        self._lock = threading.Lock()
        self._listening: dict[UUID, set[Listener]] = {}
        self._is_closed = False

    def listen(self, person_id: UUID) -> Listener:
        """Return a listener that is told of every change from now on.

        Raises:
            ProblemError: too many listen already, this person too often, or the process is
                stopping.
        """
        listener = Listener(self, person_id)
        self._places.take(person_id)
        with self._lock:
            if not self._is_closed:
                self._listening.setdefault(person_id, set()).add(listener)
                return listener
        self._places.give_back(person_id)
        raise no_place()

    def forget(self, listener: Listener) -> None:
        """Take a listener away."""
        with self._lock:
            listeners = self._listening.get(listener.person_id, set())
            if listener not in listeners:
                return
            listeners.remove(listener)
            if not listeners:
                del self._listening[listener.person_id]
        self._places.give_back(listener.person_id)

    def tell(self, person_id: UUID) -> None:
        """Something of this person has changed."""
        with self._lock:
            listeners = list(self._listening.get(person_id, ()))
        for listener in listeners:
            listener.tell()

    def tell_all(self) -> None:
        """Something may have been missed."""
        for listener in self._all():
            listener.tell()

    def close(self) -> None:
        """End every listener."""
        with self._lock:
            self._is_closed = True
        for listener in self._all():
            listener.end()

    def _all(self) -> list[Listener]:
        with self._lock:
            return [one for group in self._listening.values() for one in group]
