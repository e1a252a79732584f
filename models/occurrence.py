"""An occurrence: one slot of a saved search that has come, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base
from models.queries import query


class Skip(StrEnum):
    """Why a slot became no job."""

    STILL_RUNNING = "still_running"  # the run before it goes on
    MISSED = "missed"  # nobody was there when it was due
    SUPERSEDED = "superseded"  # a later slot was due at the same moment, and ran
    AWAY = "away"  # its person has not been here for long
    NOT_OFFERED = "not_offered"  # this server has no such kind any more


class Occurrence(Base):
    """One row for a local date, a local time and a line of the schedule, whoever writes.

    `job_id` is None for a slot that was skipped, and for one whose job its person deleted.
    """

    __tablename__ = "occurrences"
    __table_args__ = (
        UniqueConstraint("saved_search_id", "slot_local", "cron_line"),
        ForeignKeyConstraint(
            ["saved_search_id", "owner_id"],
            ["saved_searches.id", "saved_searches.owner_id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        CheckConstraint(
            "skipped in ('still_running', 'missed', 'superseded', 'away', 'not_offered')",
            name="skipped",
        ),
        Index("ix_occurrences_decided_at", "decided_at"),
        Index("ix_occurrences_job_id", "job_id", postgresql_where=text("job_id is not null")),
        Index(
            "ix_occurrences_unsettled",
            "job_id",
            postgresql_where=text("job_id is not null and settled_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    saved_search_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    # By the clock of the schedule's zone, without one.
    slot_local: Mapped[datetime] = mapped_column(DateTime(timezone=False))
    cron_line: Mapped[str]
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    skipped: Mapped[str | None]
    # When what became of the job was counted among the search's failures.
    settled_at: Mapped[datetime | None]

    @property
    def late(self) -> timedelta:
        """Return how long after its moment it was dealt with."""
        return max(timedelta(), self.decided_at - self.due_at)


def occurrences_page(
    session: Session, saved_search_id: UUID, *, limit: int, before: int | None = None
) -> list[Occurrence]:
    """Return what came of a saved search's slots, newest first.

    Args:
        session: a transaction of its person.
        saved_search_id: which search.
        limit: rows at the most.
        before: only those written before the one with this id.
    """
    statement = (
        select(Occurrence)
        .where(Occurrence.saved_search_id == saved_search_id)
        .order_by(Occurrence.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Occurrence.id < before)
    return list(session.scalars(statement))


def skipped_while_away(session: Session) -> dict[UUID, int]:
    """Return how many slots of each saved search were skipped last because nobody had been here.

    Only of those that go on now; in a transaction of their person.
    """
    return {row.id: row.slots for row in session.execute(query("skipped_while_away"))}
