"""The form of the first page: what somebody typed, what is wrong with it, and what to submit."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Request
from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from models import Upload, User
from models.errors import TextbackError
from models.phone import PhoneKeys, PhoneNumber, PhoneNumberError
from models.suppression import why_stopped
from tasks.submission import InvalidParamsError
from webapp.db import settings
from webapp.errors import ProblemError
from webapp.idempotency import IdempotencyKey, request_hash
from webapp.pages.verify import default_country, not_a_number, not_this_country
from webapp.pages.words import job_error
from webapp.picture_files import PictureFile

MOST_CATEGORIES = 10
_KEY = re.compile(r"[0-9a-f]{32}")


def new_key() -> str:
    """Return what tells one form of a person from the next: sent twice, it asks once."""
    return secrets.token_hex(16)


def page_key(
    key: str, route: str, asked: dict[str, Any], files: Mapping[str, bytes] | None = None
) -> IdempotencyKey:
    """Return the key of what a form of ours asks, apart from those programs choose."""
    asked_hash = request_hash(route, asked, files or {})
    return IdempotencyKey(f"page:{key}:{asked_hash.hex()}", asked_hash)


class NotRightError(TextbackError):
    """Something in the form is not right; its errors say what."""


def read_key(sent: str | None) -> str:
    """Return the key a form was sent with, or a new one for a form without."""
    return sent if sent and _KEY.fullmatch(sent) else new_key()


@dataclass
class Ask:
    """What the form holds. Nothing somebody typed is lost when a part of it is wrong.

    Attributes:
        photo: the upload an earlier try left, so that a photo need not be chosen twice.
        key: of this form as the browser has it.
        errors: by field, in the reader's language; `form` for what belongs to none.
    """

    image_url: str = ""
    categories: list[str] = field(default_factory=list)
    country: str = ""
    phone: str = ""
    text_me: bool = True
    photo: UUID | None = None
    key: str = field(default_factory=new_key)
    errors: dict[str, str] = field(default_factory=dict)
    number: PhoneNumber | None = None
    _file: PictureFile | None = None

    @classmethod
    def empty(cls) -> Ask:
        """Return the form nobody has filled in yet."""
        return cls(country=default_country())

    @classmethod
    def read(cls, request: Request) -> Ask:
        """Read a sent form and check all that can be checked without the database."""
        typed = request.form
        ask = cls(
            image_url=typed.get("image_url", "").strip(),
            categories=typed.getlist("categories"),
            country=typed.get("country", ""),
            phone=typed.get("phone", "").strip(),
            text_me="text_me" in typed,
            photo=_uuid(typed.get("photo")),
            key=read_key(typed.get("idempotency_key")),
        )
        ask._check_picture(request.files.get("image"))
        if len(ask.categories) > MOST_CATEGORIES:
            ask.errors["categories"] = ngettext(
                "Choose at most %(num)s category.",
                "Choose at most %(num)s categories.",
                MOST_CATEGORIES,
            )
        if ask.phone and settings().sms_provider != "none":
            ask._check_phone()
        return ask

    @property
    def has_new_photo(self) -> bool:
        """Whether a readable photo came with this form."""
        return self._file is not None

    def keep_photo(self, session: Session, owner_id: UUID) -> None:
        """Store the photo that came; forget a kept one that is not this person's."""
        if self._file is not None:
            try:
                self.photo = self._file.store(session, owner_id).id
            except ProblemError as problem:
                self._refuse_picture(problem)
        elif self.photo is not None:
            known = session.scalar(select(Upload.id).where(Upload.id == self.photo))
            if known is None:
                self.photo = None
                self.errors.setdefault("image", gettext("Choose the photo once more, please."))

    def to_verify(self, user: User) -> PhoneNumber | None:
        """Return the number that was typed, unless it is this person's proven one."""
        if self.number is None or self._is_known(user):
            return None
        return self.number

    def wants_text(self, session: Session, user: User) -> bool:
        """Whether to text the link at the end: only to a proven number that wants it."""
        if not user.has_verified_phone or why_stopped(session, user.phone_hash):
            return False
        return self._is_known(user) if self.number is not None else self.text_me

    def _is_known(self, user: User) -> bool:
        assert self.number is not None  # noqa: S101 - asked of a number that was typed
        return (
            user.has_verified_phone
            and PhoneKeys(settings()).fingerprint(self.number.e164) == user.phone_hash
        )

    def idempotency_key(self) -> IdempotencyKey:
        """Return what makes one search of this form, however often it is sent as it is.

        Changed and sent again, as after the back button, it is another.
        """
        asked = {
            "image_url": self.image_url,
            "categories": self.categories,
            "photo": str(self.photo) if self._file is None else None,
            # The hash of all this is kept, and numbers are too few for a hash without a key.
            "number": PhoneKeys(settings()).fingerprint(self.number.e164).hex()
            if self.number
            else None,
            "text_me": self.text_me,
        }
        files = {"image": self._file.sha256()} if self._file else {}
        return page_key(self.key, "POST /", asked, files)

    def params(self) -> dict[str, Any]:
        """Return the params of the job. A photo goes before an address."""
        if self.photo is not None:
            picture: dict[str, Any] = {"image": str(self.photo)}
        else:
            picture = {"image_url": self.image_url}
        return {**picture, "categories": self.categories}

    def refuse(self, error: InvalidParamsError) -> None:
        """Put what the kind refused beside its fields, in the reader's language."""
        sentences = {
            "image": gettext("Choose the photo once more, please."),
            "image_url": " ".join(job_error("url_invalid", None)),
            "categories": gettext("One of these categories does not exist any more."),
        }
        for problem in error.errors:
            name = problem.field.removeprefix("params").lstrip(".").split(".")[0]
            known = name in sentences
            self.errors[name if known else "form"] = sentences.get(name, problem.message)

    def _check_picture(self, file: FileStorage | None) -> None:
        if file is None or not file.filename:
            if self.photo is None and not self.image_url:
                self.errors["image"] = gettext("Choose a photo first.")
            return
        try:
            self._file = PictureFile.check(file, "image")
        except ProblemError as problem:
            self._refuse_picture(problem)

    def _refuse_picture(self, problem: ProblemError) -> None:
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
        words = sentences.get(problem.code) or " ".join(job_error(problem.code, problem.detail))
        self.errors["image"] = words

    def _check_phone(self) -> None:
        try:
            self.number = PhoneNumber.parse(self.phone, self.country or None)
        except PhoneNumberError:
            self.errors["phone"] = not_a_number()
            return
        if not settings().may_text(self.number.country):
            self.errors["phone"] = not_this_country(self.number.country)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
