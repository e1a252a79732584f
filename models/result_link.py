"""Capability links: who holds one may read one ended job, without an account."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created, uuid_pk
from models.ids import new_id
from models.settings import Settings

TOKEN_BYTES = 16
TOKEN_CHARACTERS = 22


class ResultLink(Base):
    """One link to one job. Rotating it is a new row; the token itself is stored nowhere."""

    __tablename__ = "result_links"
    __table_args__ = (
        CheckConstraint("purpose in ('text', 'share')", name="purpose"),
        ForeignKeyConstraint(
            ["job_id", "owner_id"],
            ["jobs.id", "jobs.owner_id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_result_links_job_id", "job_id"),
    )

    id: Mapped[uuid_pk]
    job_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    purpose: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[created]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    opens: Mapped[int] = mapped_column(server_default="0")
    # When it was last opened.
    opened_at: Mapped[datetime | None]

    @classmethod
    def create(
        cls,
        session: Session,
        settings: Settings,
        *,
        job_id: UUID,
        owner_id: UUID,
        purpose: str,
        expires_at: datetime,
    ) -> Self:
        """Make a link that ends with the result."""
        link_id = new_id()
        token = link_token(settings, link_id)
        link = cls(
            id=link_id,
            job_id=job_id,
            owner_id=owner_id,
            purpose=purpose,
            token_hash=hash_token(token),
            expires_at=expires_at,
        )
        session.add(link)
        return link

    def url(self, settings: Settings) -> str:
        """Return the address to send; recomputed, since only the key and the id are kept."""
        return f"{settings.base_url}/r/{link_token(settings, self.id)}"


def shared_link(session: Session, job_id: UUID) -> ResultLink | None:
    """Return the link that a job's owner made to pass on, if it still opens."""
    return session.scalar(
        select(ResultLink).where(
            ResultLink.job_id == job_id,
            ResultLink.purpose == "share",
            ResultLink.revoked_at.is_(None),
            ResultLink.expires_at > func.now(),
        )
    )


def end_shared_links(session: Session, job_id: UUID) -> None:
    """Have every link that was made to pass on open nothing any more; the text's own stays."""
    session.execute(
        update(ResultLink)
        .where(
            ResultLink.job_id == job_id,
            ResultLink.purpose == "share",
            ResultLink.revoked_at.is_(None),
        )
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )


def link_token(settings: Settings, link_id: UUID) -> str:
    """Return 128 bits of HMAC-SHA256 over the link's id, as 22 URL-safe characters."""
    key = settings.link_key.get_secret_value().encode()
    digest = hmac.digest(key, link_id.bytes, "sha256")[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def hash_token(token: str) -> bytes:
    """Return the SHA-256 by which a presented token is looked up."""
    return hashlib.sha256(token.encode()).digest()
