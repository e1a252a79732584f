"""Pictures that somebody sends: checked by their content, stored as uploads, within a quota."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import BinaryIO, cast
from uuid import UUID

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from models import Upload
from models.upload import CHUNK_BYTES
from tasks.pictures import PictureError, PictureInfo, inspect_picture
from tasks.submission import FieldError
from webapp.db import settings
from webapp.errors import ProblemError, picture_problem

# What one account may keep here at a time. Files sent in the same moment may pass it together.
MAX_KEPT_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture that was sent, on disk or in a small buffer, and what its headers say."""

    field: str
    stream: BinaryIO
    size_bytes: int
    info: PictureInfo

    @classmethod
    def check(cls, file: FileStorage, field: str) -> PictureFile:
        """Check a file by its content, reading only its headers.

        Raises:
            ProblemError: it is too large, or not a picture we take; names the field it came in.
        """
        stream = cast(BinaryIO, file.stream)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        most = cast(int, current_app.config["MAX_UPLOAD_BYTES"])
        if size > most:
            message = f"The file has {size:,} bytes; {most:,} is the most that is taken."
            raise ProblemError("file_too_large", message, [FieldError(field, message)])
        try:
            info = inspect_picture(stream, size, max_pixels=settings().max_picture_pixels)
        except PictureError as error:
            raise picture_problem(error, field) from error
        return cls(field, stream, size, info)

    def sha256(self) -> bytes:
        """Return the hash of the content."""
        self.stream.seek(0)
        digest = hashlib.sha256()
        while piece := self.stream.read(CHUNK_BYTES):
            digest.update(piece)
        self.stream.seek(0)
        return digest.digest()

    def store(self, session: Session, owner_id: UUID) -> Upload:
        """Write it in the caller's transaction, which is the owner's.

        Raises:
            ProblemError: this account keeps too much already; nothing was written.
        """
        kept = session.scalar(select(func.coalesce(func.sum(Upload.size_bytes), 0))) or 0
        if kept + self.size_bytes > MAX_KEPT_BYTES:
            message = (
                f"Your files take {kept:,} bytes, and {MAX_KEPT_BYTES:,} is the most one account "
                "may keep. A file goes with the last job that names it, or after a day without one."
            )
            raise ProblemError("upload_quota", message, [FieldError(self.field, message)])
        self.stream.seek(0)
        return Upload.store(
            session,
            owner_id,
            self.stream,
            media_type=self.info.media_type,
            width=self.info.width,
            height=self.info.height,
        )
