"""Changing a saved search without losing a slot that has come and was not dealt with yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from models.saved_search import SavedSearch
from tasks.enqueueing import enqueue_due
from tasks.saved_searches import database_time
from webapp.db import database, settings

T = TypeVar("T")

_DUE_SECONDS = 2.0
# A slot may come between dealing with what has come and the lock.
_TRIES = 3


def with_saved_search(
    person_id: UUID, saved_id: UUID, act: Callable[[Session, SavedSearch], T]
) -> T | None:
    """Do something to a saved search of this person, locked; None if they have none such.

    What is due has its row before that: a change of times, or a pause, skips nothing unsaid.
    """
    for turn in range(_TRIES):
        with database().owner(person_id) as session:
            search = session.get(SavedSearch, saved_id, with_for_update=True)
            if search is None:
                return None
            if not search.has_due(database_time(session)) or turn == _TRIES - 1:
                return act(session, search)
        enqueue_due(database(), settings(), seconds=_DUE_SECONDS, only=saved_id)
    raise AssertionError("unreachable")
