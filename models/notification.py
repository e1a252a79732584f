"""One text message about one job, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created, uuid_pk
from models.errors import StaleFenceError
from models.queries import query


class NotificationStatus(StrEnum):
    """What is known of a text."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NEEDS_REVIEW = "needs_review"


class Notification(Base):
    """At most one for a job and purpose; the database refuses a second."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("job_id", "purpose"),
        CheckConstraint(
            "status in ('queued', 'sending', 'sent', 'delivered', 'undelivered', 'failed', "
            "'unknown', 'needs_review')",
            name="status",
        ),
        ForeignKeyConstraint(
            ["job_id", "owner_id"],
            ["jobs.id", "jobs.owner_id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index(
            "ix_notifications_open",
            "id",
            postgresql_where=text("status in ('queued', 'sending')"),
        ),
        Index(
            "uq_notifications_callback_hash",
            "callback_hash",
            unique=True,
            postgresql_where=text("callback_hash is not null"),
        ),
        Index(
            "ix_notifications_unknown", "not_before", postgresql_where=text("status = 'unknown'")
        ),
        Index(
            "ix_notifications_counted",
            "owner_id",
            "counted_at",
            postgresql_where=text("counted_at is not null"),
        ),
        Index(
            "ix_notifications_review",
            "job_id",
            postgresql_where=text("status = 'needs_review'"),
        ),
        Index("ix_notifications_sent_at", "sent_at", postgresql_where=text("sent_at is not null")),
    )

    id: Mapped[uuid_pk]
    job_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    purpose: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="queued")
    provider: Mapped[str | None]
    provider_sid: Mapped[str | None]
    # The provider's ids of sends that did not arrive, after which it was sent again.
    lost_sids: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    segments: Mapped[int | None] = mapped_column(SmallInteger)
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    created_at: Mapped[created]
    updated_at: Mapped[created]
    sent_at: Mapped[datetime | None]
    # Which sender process has it: host, process, its start, and the lock its session holds.
    holder: Mapped[str | None]
    guarded_at: Mapped[datetime | None]
    callback_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    looks: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    resends: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    delivered_at: Mapped[datetime | None]
    # When it was let through and counted against the caps; a second try of it is not counted.
    counted_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class NotificationClaim:
    """One sender's right to send one text, once."""

    id: UUID
    job_id: UUID
    owner_id: UUID
    fence: int
    attempts: int

    @classmethod
    def take(
        cls,
        session: Session,
        notification_id: UUID,
        *,
        holder: str,
        callback_hash: bytes,
        lease_seconds: float,
        provider: str | None = None,
    ) -> Self | None:
        """Move a due text to sending; None when the hint was stale.

        Args:
            session: a worker's transaction, to be committed before the provider is called.
            notification_id: which text.
            holder: who sends it, in the words of the sender; proof of death starts from it.
            callback_hash: what the provider's callback finds the row by.
            lease_seconds: a sender that is silent for longer is asked about at the provider.
            provider: who is asked to carry it.
        """
        row = session.execute(
            query("claim_notification"),
            {
                "id": notification_id,
                "holder": holder,
                "callback_hash": callback_hash,
                "lease_seconds": lease_seconds,
                "provider": provider,
            },
        ).one_or_none()
        return None if row is None else cls(**row._mapping)

    def record(
        self,
        session: Session,
        status: NotificationStatus,
        *,
        provider: str | None = None,
        provider_sid: str | None = None,
        segments: int | None = None,
        error_code: str | None = None,
        delay_seconds: float | None = None,
        counts: bool = True,
    ) -> None:
        """Write what became of it.

        Args:
            session: a worker's transaction.
            status: what is known now.
            provider: who was asked to carry it.
            provider_sid: the provider's own id.
            segments: in how many it goes.
            error_code: why it did not.
            delay_seconds: it is looked at again after so long.
            counts: whether this was an attempt; a text that has to wait was none.

        Raises:
            StaleFenceError: somebody else decides about this text now.
        """
        values: dict[str, Any] = {
            "status": status,
            "provider_sid": provider_sid,
            "segments": segments,
            "error_code": error_code,
            "holder": None,  # no request is under way any more
            "looks": 0,
            "lease_until": None,
            "dispatched_at": None,
            "updated_at": func.clock_timestamp(),
        }
        if status == NotificationStatus.SENT:
            values["sent_at"] = func.clock_timestamp()
        if provider is not None:
            values["provider"] = provider
        if not counts:
            values["attempts"] = Notification.attempts - 1
        values["not_before"] = None
        if delay_seconds is not None:
            values["not_before"] = func.clock_timestamp() + func.make_interval(
                0, 0, 0, 0, 0, 0, delay_seconds
            )
        moved = session.execute(
            update(Notification)
            .where(
                Notification.id == self.id,
                Notification.fence == self.fence,
                # Late, but still the only one who asked: nobody else may have taken it since.
                Notification.status.in_((NotificationStatus.SENDING, NotificationStatus.UNKNOWN)),
            )
            .values(values)
            .returning(Notification.id)
        ).one_or_none()
        if moved is None:
            raise StaleFenceError
