"""The ledger of slots: which were due, ran, were late and were skipped, over all persons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.occurrence import Occurrence, Skip
from models.queries import query
from models.saved_search import SavedSearch

# From here on a slot is listed by itself.
LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Day:
    """What came of the slots of one day (UTC). How late is in seconds; missed ones do not count."""

    day: date
    due: int
    ran: int
    still_running: int
    missed: int
    superseded: int
    away: int
    not_offered: int
    late_p50: float
    late_p99: float
    late_most: float


def days_of_slots(session: Session, days: int = 7) -> list[Day]:
    """Return the last days with slots, newest first, in an operator's transaction."""
    rows = session.execute(query("slot_ledger"), {"days": days})
    return [Day(**row._mapping) for row in rows]


def late_slots(session: Session, most: int = 50, days: int = 7) -> list[Occurrence]:
    """Return slots that were missed or dealt with more than a minute late, newest first."""
    since = func.clock_timestamp() - timedelta(days=days)
    return list(
        session.scalars(
            select(Occurrence)
            .where(
                Occurrence.decided_at > since,
                or_(
                    Occurrence.skipped == Skip.MISSED,
                    Occurrence.decided_at > Occurrence.due_at + LATE,
                ),
            )
            .order_by(Occurrence.decided_at.desc(), Occurrence.id.desc())
            .limit(most)
        )
    )


def zones_of(session: Session, slots: Iterable[Occurrence]) -> dict[UUID, str]:
    """Return by whose clock the lines of these slots are: the zone of each saved search."""
    ids = {slot.saved_search_id for slot in slots}
    rows = session.execute(
        select(SavedSearch.id, SavedSearch.time_zone).where(SavedSearch.id.in_(ids))
    )
    return {row.id: row.time_zone for row in rows}
