"""One input file, kept in 1 MiB pieces so that no status read ever drags it along."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Self
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created, uuid_pk
from models.ids import new_id

CHUNK_BYTES = 1024 * 1024


class Upload(Base):
    """One file of a person: media type by content, never by name."""

    __tablename__ = "uploads"
    __table_args__ = (
        Index("uq_uploads_id_owner_id", "id", "owner_id", unique=True),
        Index("ix_uploads_owner_id", "owner_id"),
        Index("ix_uploads_expires_at", "expires_at"),
    )

    id: Mapped[uuid_pk]
    owner_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[created]
    # A day for a file that no job took; a job that takes it keeps it as long as its answer.
    expires_at: Mapped[datetime] = mapped_column(server_default=text("now() + interval '1 day'"))

    def keep_until(self, moment: datetime) -> None:
        """Keep the file at least until then."""
        # Compared by the database: another job may keep it for longer meanwhile.
        self.expires_at = func.greatest(Upload.expires_at, moment)

    @classmethod
    def store(
        cls,
        session: Session,
        owner_id: UUID,
        source: BinaryIO,
        *,
        media_type: str,
        width: int | None = None,
        height: int | None = None,
    ) -> Self:
        """Stream a file into chunks; at most one chunk is in memory at a time."""
        upload = cls(
            id=new_id(),
            owner_id=owner_id,
            media_type=media_type,
            width=width,
            height=height,
            size_bytes=0,
            sha256=b"",
        )
        session.add(upload)
        session.flush()
        digest, size, position = hashlib.sha256(), 0, 0
        while piece := source.read(CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
            chunk = UploadChunk(
                upload_id=upload.id, owner_id=owner_id, position=position, content=piece
            )
            session.add(chunk)
            session.flush()
            session.expunge(chunk)
            position += 1
        upload.size_bytes, upload.sha256 = size, digest.digest()
        session.flush()
        return upload

    def chunks(self, session: Session) -> Iterator[bytes]:
        """Yield the content in order, a piece of up to 1 MiB at a time."""
        statement = (
            select(UploadChunk.content)
            .where(UploadChunk.upload_id == self.id)
            .order_by(UploadChunk.position)
            .execution_options(yield_per=1)
        )
        yield from session.scalars(statement)


class UploadChunk(Base):
    """Up to 1 MiB of a file."""

    __tablename__ = "upload_chunks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["upload_id", "owner_id"],
            ["uploads.id", "uploads.owner_id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
    )

    upload_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID]
    content: Mapped[bytes] = mapped_column(LargeBinary)
