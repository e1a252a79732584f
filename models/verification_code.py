"""A six-digit code sent to a phone: who types it back has that phone."""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, created, uuid_pk
from models.settings import Settings

MOST_TRIES = 5
LIFETIME_SECONDS = 600
DIGITS = 6


class VerificationCode(Base):
    """One code for one number. The code itself is stored nowhere: it is made anew from the id."""

    __tablename__ = "verification_codes"
    __table_args__ = (
        CheckConstraint(
            "status in ('queued', 'sending', 'sent', 'failed', 'unknown')", name="status"
        ),
        CheckConstraint("tries between 0 and 5", name="tries"),
        Index("ix_verification_codes_owner_id", "owner_id"),
        Index(
            "ix_verification_codes_open",
            "id",
            postgresql_where=text("status in ('queued', 'sending')"),
        ),
        Index("ix_verification_codes_created_at", "created_at"),
    )

    id: Mapped[uuid_pk]
    owner_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary)
    # Bound to this row's id; gone once the code was used or has expired.
    phone_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_country: Mapped[str]
    phone_last_digits: Mapped[str]
    locale: Mapped[str] = mapped_column(server_default="en")
    # The search whose link is texted once the number is verified.
    job_id: Mapped[UUID | None]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    status: Mapped[str] = mapped_column(server_default="queued")
    provider: Mapped[str | None]
    provider_sid: Mapped[str | None]
    error_code: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    created_at: Mapped[created]
    expires_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


def code_of(settings: Settings, code_id: UUID) -> str:
    """Return the six digits of a code's row, from LINK_KEY and the id alone."""
    key = settings.link_key.get_secret_value().encode()
    digest = hmac.digest(key, b"textback code\0" + code_id.bytes, "sha256")
    return f"{int.from_bytes(digest[:8]) % 10**DIGITS:0{DIGITS}}"
