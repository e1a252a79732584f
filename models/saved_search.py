"""A saved search: what a person wants searched again and again, and at which times."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created, uuid_pk
from models.repeated import KEY_LIFETIME
from models.schedule import Schedule, ScheduleError, Slot

# So many runs in a row that fail, and a saved search rests.
MOST_FAILURES = 5


class Telling(StrEnum):
    """When a run of a saved search sends a text."""

    ALWAYS = "always"
    NEW = "new"
    NEVER = "never"


class PauseReason(StrEnum):
    """Why a saved search rests."""

    PERSON = "person"
    FAILURES = "failures"


class SavedSearch(Base):
    """What is asked, when, and what happens to slots that cannot be had in time.

    `overlap` says what becomes of a slot while the run before it goes on: `skip` it, or `queue`
    another. `missed` says what becomes of slots nobody was there for: `skip` them, or run `once`,
    if the newest is no older than `missed_limit_seconds`.
    """

    __tablename__ = "saved_searches"
    __table_args__ = (
        CheckConstraint("notify in ('always', 'new', 'never')", name="notify"),
        CheckConstraint("overlap in ('skip', 'queue')", name="overlap"),
        CheckConstraint("missed in ('skip', 'once')", name="missed"),
        CheckConstraint("cardinality(cron_lines) between 1 and 12", name="cron_lines"),
        CheckConstraint(
            "(paused_at is null) = (pause_reason is null) "
            "and pause_reason in ('person', 'failures')",
            name="pause",
        ),
        Index("uq_saved_searches_id_owner_id", "id", "owner_id", unique=True),
        Index(
            "ix_saved_searches_due",
            "next_slot_at",
            postgresql_where=text("paused_at is null and next_slot_at is not null"),
        ),
        Index("ix_saved_searches_owner_id", "owner_id"),
        Index(
            "uq_saved_searches_owner_id_idempotency_key",
            "owner_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key is not null"),
        ),
        Index("ix_saved_searches_upload_ids", "upload_ids", postgresql_using="gin"),
    )

    id: Mapped[uuid_pk]
    owner_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    name: Mapped[str]
    kind: Mapped[str]
    params: Mapped[dict[str, Any]]
    question_hash: Mapped[bytes] = mapped_column(LargeBinary)
    # Inputs that are kept for as long as the search is.
    upload_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    locale: Mapped[str] = mapped_column(server_default="en")
    notify: Mapped[str] = mapped_column(server_default="new")

    cron_lines: Mapped[list[str]] = mapped_column(ARRAY(Text))
    time_zone: Mapped[str]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    overlap: Mapped[str] = mapped_column(server_default="skip")
    missed: Mapped[str] = mapped_column(server_default="once")
    missed_limit_seconds: Mapped[int] = mapped_column(server_default="21600")

    # Slots up to here have been dealt with; the one after it, or None if there is none.
    planned_until: Mapped[created]
    next_slot_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    pause_reason: Mapped[str | None]
    failures_in_a_row: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    # When its first run ended well: what that found is not news.
    baseline_at: Mapped[datetime | None]
    # Runs before that in which something was missing, such as a site that did not answer.
    baseline_runs: Mapped[int] = mapped_column(SmallInteger, server_default="0")

    idempotency_key: Mapped[str | None]
    request_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[created]
    updated_at: Mapped[created]

    @property
    def schedule(self) -> Schedule:
        """Return its times as what can be asked for slots.

        Raises:
            ScheduleError: such as for a zone that the tz database has no more.
        """
        return schedule_of(self)

    @property
    def known_schedule(self) -> Schedule | None:
        """Return its times, or None if they are not understood any more."""
        try:
            return self.schedule
        except ScheduleError:
            return None

    def has_due(self, now: datetime) -> bool:
        """Whether a slot has come that is not dealt with yet."""
        return not self.is_paused and self.next_slot_at is not None and self.next_slot_at <= now

    @property
    def is_paused(self) -> bool:
        """Whether it rests."""
        return self.paused_at is not None

    def plan(self, now: datetime) -> None:
        """Go on from `now`: what was due before is not made up for."""
        following: list[Slot] = self.schedule.next(now)
        self.planned_until = now
        self.next_slot_at = following[0].due_at if following else None

    def pause(self, reason: PauseReason) -> None:
        """Let it rest until it is resumed."""
        if not self.is_paused:
            self.paused_at = func.clock_timestamp()
            self.pause_reason = reason

    def resume(self, now: datetime) -> None:
        """Let it run again, from the next slot on."""
        self.paused_at = self.pause_reason = None
        self.failures_in_a_row = 0
        self.plan(now)


def schedule_of(search: Any) -> Schedule:
    """Return the schedule of a saved search, or of a row with the same columns.

    Raises:
        ScheduleError: as `Schedule`.
    """
    return Schedule(tuple(search.cron_lines), search.time_zone, search.starts_at, search.ends_at)


def saved_searches(session: Session) -> list[SavedSearch]:
    """Return a person's saved searches, newest first, in a transaction of theirs."""
    return list(session.scalars(select(SavedSearch).order_by(SavedSearch.id.desc())))


def find_saved_by_idempotency_key(session: Session, key: str) -> SavedSearch | None:
    """Return what this person saved under a key in the last seven days; see `models.repeated`."""
    session.execute(
        update(SavedSearch)
        .where(
            SavedSearch.idempotency_key == key, SavedSearch.created_at < func.now() - KEY_LIFETIME
        )
        .values(idempotency_key=None, request_hash=None)
    )
    return session.scalar(select(SavedSearch).where(SavedSearch.idempotency_key == key))
