"""Fair turns: a person has only so many jobs running or in line, the others wait behind them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from models.claim import Turn
from models.queries import query


def has_free_slot(session: Session, owner_id: UUID, *, queue: str, most_running: int) -> bool:
    """Whether a person's new job may get in line at once."""
    return bool(
        session.scalar(
            query("has_free_slot"),
            {"owner_id": owner_id, "queue": queue, "most_running": most_running},
        )
    )


def give_turns(session: Session, queue: str, *, most_running: int, most: int) -> list[Turn]:
    """Give waiting jobs their place in line, wherever a person has a slot free.

    Args:
        session: one opened by `Database.operator`.
        queue: `interactive` or `scheduled`.
        most_running: slots of one person.
        most: turns at the most.
    """
    rows = session.execute(
        query("give_turns"), {"queue": queue, "most_running": most_running, "most": most}
    )
    return [Turn.of(row) for row in rows]


def hint_again(session: Session, queue: str, *, patience_seconds: float, most: int) -> list[Turn]:
    """Return jobs in line nobody took since their last hint, and note that they get another."""
    rows = session.execute(
        query("hint_again"),
        {"queue": queue, "patience_seconds": patience_seconds, "most": most},
    )
    return [Turn.of(row) for row in rows]


def count_in_line(session: Session, queue: str) -> int:
    """Return how many jobs wait for a worker to take them."""
    return int(session.scalar(query("count_in_line"), {"queue": queue}) or 0)
