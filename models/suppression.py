"""Numbers that want no texts, as keyed hashes: they outlive the account."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, LargeBinary, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created


class SuppressionReason(StrEnum):
    """How somebody said so."""

    REPLY = "reply"  # STOP, where numbers can be answered
    LINK = "link"  # the page behind a text's own link
    ACCOUNT = "account"  # the account page
    CARRIER = "carrier"  # the provider refused: opted out there


class Suppression(Base):
    """One number that gets no texts about jobs. A code somebody types it for is still sent."""

    __tablename__ = "suppressions"
    __table_args__ = (
        CheckConstraint("reason in ('reply', 'link', 'account', 'carrier')", name="reason"),
    )

    phone_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[created]


def suppress(session: Session, phone_hash: bytes, reason: SuppressionReason) -> None:
    """Send no more texts to a number; again without harm.

    Args:
        session: of its person, a worker, the operator, or a gate this hash is presented to.
        phone_hash: from `PhoneKeys.fingerprint`.
        reason: the first one given is kept.
    """
    session.execute(
        insert(Suppression)
        .values(phone_hash=phone_hash, reason=reason)
        .on_conflict_do_nothing(index_elements=["phone_hash"])
    )


def allow(session: Session, phone_hash: bytes) -> None:
    """Send texts to a number again."""
    session.execute(delete(Suppression).where(Suppression.phone_hash == phone_hash))


def is_suppressed(session: Session, phone_hash: bytes) -> bool:
    """Whether a number wants no texts, as far as this transaction may know."""
    return session.get(Suppression, phone_hash) is not None


def why_stopped(session: Session, phone_hash: bytes | None) -> str | None:
    """Return how somebody said that this number wants no texts; None if nobody did.

    A `reply` and what the `carrier` knows can only be taken back there, with START.
    """
    row = None if phone_hash is None else session.get(Suppression, phone_hash)
    return None if row is None else row.reason
