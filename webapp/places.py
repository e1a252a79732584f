"""How many may listen at once: in one web process, and one account of it."""

from __future__ import annotations

import threading
from collections import Counter
from uuid import UUID

from webapp.errors import ProblemError

# Well below the connections a worker holds, so that streams never keep other requests out.
MOST = 4000
# So that nobody takes the places of all others.
MOST_OF_ONE = 50


class Places:
    """The places of one web process."""

    def __init__(self) -> None:
        """All are free."""
        self._lock = threading.Lock()
        self._of_person: Counter[UUID] = Counter()

    def take(self, person_id: UUID) -> None:
        """Take one.

        Raises:
            ProblemError: none is free, or this person has as many as one may have.
        """
        with self._lock:
            if self._of_person.total() >= MOST:
                raise no_place()
            if self._of_person[person_id] >= MOST_OF_ONE:
                raise ProblemError(
                    "too_many_requests",
                    f"This account waits for jobs at {MOST_OF_ONE} places already. "
                    "Close some, or ask again without waiting.",
                    headers={"Retry-After": "10"},
                )
            self._of_person[person_id] += 1

    def give_back(self, person_id: UUID) -> None:
        """Give one back."""
        with self._lock:
            self._of_person[person_id] -= 1
            if not self._of_person[person_id]:
                del self._of_person[person_id]

    @property
    def taken(self) -> int:
        """How many are taken."""
        with self._lock:
            return self._of_person.total()


def no_place() -> ProblemError:
    """Return the problem of a process that can hold no more streams, or is about to stop."""
    return ProblemError("too_many_streams", headers={"Retry-After": "10"})
