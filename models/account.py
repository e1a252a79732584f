"""People, the browsers they are signed in with and the keys of their programs."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created, uuid_pk
from models.phone import PhoneKeys, PhoneNumber


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 under which a random secret is stored and looked up."""
    return hashlib.sha256(secret.encode()).digest()


class User(Base):
    """A person. Every browser begins as one without a phone."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role in ('person', 'operator')", name="role"),
        Index("ix_users_phone_hash", "phone_hash"),
        Index(
            "uq_users_verified_phone_hash",
            "phone_hash",
            unique=True,
            postgresql_where=text("phone_verified_at is not null"),
        ),
    )

    id: Mapped[uuid_pk]
    role: Mapped[str] = mapped_column(server_default="person")
    locale: Mapped[str] = mapped_column(server_default="en")
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    phone_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_last_digits: Mapped[str | None]
    phone_country: Mapped[str | None]
    phone_verified_at: Mapped[datetime | None]
    last_seen_at: Mapped[created]
    created_at: Mapped[created]
    erased_at: Mapped[datetime | None]

    def set_phone(self, number: PhoneNumber, keys: PhoneKeys) -> None:
        """Keep a number; it is not verified by this."""
        self.phone_ciphertext = keys.encrypt(number.e164, str(self.id))
        self.phone_hash = keys.fingerprint(number.e164)
        self.phone_last_digits = number.e164[-4:]
        self.phone_country = number.country
        self.phone_verified_at = None

    def phone(self, keys: PhoneKeys) -> str | None:
        """Return the number in E.164, or None."""
        if self.phone_ciphertext is None:
            return None
        return keys.decrypt(self.phone_ciphertext, str(self.id))

    @property
    def has_verified_phone(self) -> bool:
        """Whether texts may be sent to this person."""
        return self.phone_ciphertext is not None and self.phone_verified_at is not None


class BrowserSession(Base):
    """A browser that is signed in; its cookie holds the secret."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_owner_id", "owner_id"),)

    id: Mapped[uuid_pk]
    owner_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    device: Mapped[str | None]
    created_at: Mapped[created]
    last_used_at: Mapped[created]
    revoked_at: Mapped[datetime | None]

    @classmethod
    def start(
        cls,
        session: Session,
        owner_id: UUID,
        secret: str | None = None,
        *,
        device: str | None = None,
    ) -> str:
        """Sign a browser in and return the secret for its cookie, the only time it is known.

        Args:
            session: a transaction of this person.
            owner_id: who it is.
            secret: the one the browser holds already; None for a new one.
            device: which browser it is, in words.
        """
        secret = secret or secrets.token_urlsafe(32)
        session.add(cls(owner_id=owner_id, secret_hash=hash_secret(secret), device=device))
        return secret

    @classmethod
    def find(cls, session: Session, presented: bytes) -> Self | None:
        """Return the live session whose secret has this hash."""
        return session.scalar(
            select(cls).where(cls.secret_hash == presented, cls.revoked_at.is_(None))
        )


class ApiToken(Base):
    """A program's key to one person's account."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        Index("ix_api_tokens_owner_id", "owner_id"),
        Index("ix_api_tokens_made_by_id", "made_by_id"),
    )

    id: Mapped[uuid_pk]
    owner_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    # The token it was made with: it is revoked together with that one.
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_tokens.id", ondelete="CASCADE"))
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[created]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @classmethod
    def create(cls, session: Session, owner_id: UUID, name: str) -> str:
        """Make a token and return its secret, the only time it is known."""
        return cls.issue(session, owner_id, name)[1]

    @classmethod
    def issue(
        cls, session: Session, owner_id: UUID, name: str, made_by_id: UUID | None = None
    ) -> tuple[Self, str]:
        """Make a token; see `create`. Also return its row."""
        secret = "tb_" + secrets.token_urlsafe(32)
        token = cls(
            owner_id=owner_id, name=name, made_by_id=made_by_id, secret_hash=hash_secret(secret)
        )
        session.add(token)
        return token, secret

    @classmethod
    def find(cls, session: Session, presented: bytes) -> Self | None:
        """Return the live token whose secret has this hash."""
        return session.scalar(
            select(cls).where(cls.secret_hash == presented, cls.revoked_at.is_(None))
        )
