"""A photo that comes with a form: checked at once, stored with its owner, kept for a second try."""

from __future__ import annotations

from uuid import UUID

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from models import Upload
from webapp.db import settings
from webapp.errors import ProblemError
from webapp.pages.words import job_error
from webapp.picture_files import PictureFile


class SentPhoto:
    """One file field of a form.

    Attributes:
        upload_id: what an earlier try left, so that a photo need not be chosen twice.
        problem: what is wrong with it, in the reader's language; None if nothing is.
    """

    def __init__(self, file: FileStorage | None, kept: str | None, field: str) -> None:
        """Check the file that came, if one did.

        Args:
            file: as it was sent.
            kept: the id of the upload an earlier try left, as the form has it.
            field: its name in errors.
        """
        self.upload_id = read_id(kept)
        self.problem: str | None = None
        self._file: PictureFile | None = None
        if file is not None and file.filename:
            try:
                self._file = PictureFile.check(file, field)
            except ProblemError as problem:
                self._refuse(problem)

    @property
    def is_there(self) -> bool:
        """Whether a readable photo came, or an earlier try left one."""
        return self._file is not None or self.upload_id is not None

    def store(self, session: Session, owner_id: UUID) -> None:
        """Store the photo that came; forget a kept one that is not this person's."""
        if self._file is not None:
            try:
                self.upload_id = self._file.store(session, owner_id).id
            except ProblemError as problem:
                self._refuse(problem)
        elif self.upload_id is not None:
            known = session.scalar(select(Upload.id).where(Upload.id == self.upload_id))
            if known is None:
                self.upload_id = None
                self.problem = self.problem or gettext("Choose the photo once more, please.")

    def sha256(self) -> bytes | None:
        """Return the hash of the photo that came; None where none did."""
        return self._file.sha256() if self._file is not None else None

    def kept_id(self) -> str | None:
        """Return which earlier upload is meant; None where a photo came instead."""
        return str(self.upload_id) if self._file is None and self.upload_id else None

    def _refuse(self, problem: ProblemError) -> None:
        sentences = {
            "file_too_large": gettext(
                "This file is larger than %(megabytes)s MB. Send a smaller one.",
                megabytes=settings().max_upload_bytes // 2**20,
            ),
            "upload_quota": gettext(
                "Your photos take all the room there is for one account. "
                "Older ones go after some days; try again then."
            ),
        }
        self.problem = sentences.get(problem.code) or " ".join(
            job_error(problem.code, problem.detail)
        )


def read_id(text: str | None) -> UUID | None:
    """Return the id that a form names, or None if that is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
