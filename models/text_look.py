"""A text of which nobody knows whether it went out, and what comes of looking for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.notification import Notification, NotificationStatus
from models.queries import query

# Absent so often, it is not there.
MOST_LOOKS = 2


@dataclass(frozen=True, slots=True)
class TextLook:
    """One look for one text.

    Attributes:
        looks: how often it was looked for in vain before.
        holder: the sender that may still be at it; None if it has said itself that it is not.
        resends: 1 if it was sent again once.
        guarded_at: when the request may have begun at the earliest.
        lost_sids: the provider's ids of earlier sends that did not arrive.
    """

    id: UUID
    job_id: UUID
    owner_id: UUID
    fence: int
    looks: int
    resends: int
    holder: str | None
    guarded_at: datetime | None
    lost_sids: list[str] | None

    @classmethod
    def due(cls, session: Session, notification_id: UUID) -> Self | None:
        """Return what to look for; None if that is settled or not due."""
        row = session.execute(
            select(
                Notification.id,
                Notification.job_id,
                Notification.owner_id,
                Notification.fence,
                Notification.looks,
                Notification.resends,
                Notification.holder,
                Notification.guarded_at,
                Notification.lost_sids,
            ).where(
                Notification.id == notification_id,
                Notification.status == NotificationStatus.UNKNOWN,
                Notification.not_before <= func.clock_timestamp(),
            )
        ).one_or_none()
        return None if row is None else cls(**row._mapping)

    @property
    def is_last(self) -> bool:
        """Whether nothing more is looked for if it is absent now."""
        return self.looks + 1 >= MOST_LOOKS

    def found(self, session: Session, sid: str, segments: int | None) -> bool:
        """It is there: it went out. Each of these returns whether the row still waited for it."""
        return self._settle(session, NotificationStatus.SENT, provider_sid=sid, segments=segments)

    def absent(self, session: Session, *, next_look_seconds: float) -> bool:
        """It is not there yet; look once more later."""
        return self._settle(
            session, NotificationStatus.UNKNOWN, absent=True, next_look_seconds=next_look_seconds
        )

    def not_seen(self, session: Session, *, next_look_seconds: float) -> bool:
        """The provider could not be asked; that counts as no look."""
        return self._settle(
            session, NotificationStatus.UNKNOWN, next_look_seconds=next_look_seconds
        )

    def send_again(self, session: Session) -> bool:
        """It is not there, and its sender is dead or has said that it is done: once more, once."""
        return self._settle(session, NotificationStatus.QUEUED, absent=True, resend=True)

    def hold(self, session: Session) -> bool:
        """Nobody can know; a person decides."""
        return self._settle(session, NotificationStatus.NEEDS_REVIEW, absent=True)

    def _settle(
        self,
        session: Session,
        status: NotificationStatus,
        *,
        absent: bool = False,
        resend: bool = False,
        provider_sid: str | None = None,
        segments: int | None = None,
        next_look_seconds: float = 0,
    ) -> bool:
        values = {
            "id": self.id,
            "fence": self.fence,
            "looks": self.looks,
            "status": status.value,
            "absent": absent,
            "resend": resend,
            "provider_sid": provider_sid,
            "segments": segments,
            "next_look_seconds": next_look_seconds,
        }
        return session.execute(query("settle_look"), values).one_or_none() is not None
