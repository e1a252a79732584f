"""The form of the first page: a photo, and what of the catalog to keep to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Request
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session

from tasks.submission import InvalidParamsError
from webapp.pages.ask import Ask, fields_refused
from webapp.pages.choosing import IMAGE_SEARCH
from webapp.pages.sent_photo import SentPhoto
from webapp.pages.words import job_error

MOST_CATEGORIES = 10


@dataclass
class PhotoAsk(Ask):
    """What the form of the first page holds."""

    image_url: str = ""
    categories: list[str] = field(default_factory=list)
    image: SentPhoto = field(default_factory=lambda: SentPhoto(None, None, "image"))

    @classmethod
    def read(cls, request: Request) -> PhotoAsk:
        """Read a sent form and check all that can be checked without the database."""
        typed = request.form
        ask = cls(
            image_url=typed.get("image_url", "").strip(),
            categories=typed.getlist("categories"),
            image=SentPhoto(request.files.get("image"), typed.get("photo"), "image"),
        )
        ask.read_contact(request)
        if ask.image.problem:
            ask.errors["image"] = ask.image.problem
        elif not ask.image.is_there and not ask.image_url:
            ask.errors["image"] = gettext("Choose a photo first.")
        if len(ask.categories) > MOST_CATEGORIES:
            ask.errors["categories"] = ngettext(
                "Choose at most %(num)s category.",
                "Choose at most %(num)s categories.",
                MOST_CATEGORIES,
            )
        return ask

    @property
    def kind(self) -> str:
        """Return the kind of search that the form is for."""
        return IMAGE_SEARCH

    @property
    def photo(self) -> UUID | None:
        """Return the upload that holds the photo, once there is one."""
        return self.image.upload_id

    @property
    def has_files(self) -> bool:
        """Whether there is a photo that must not be lost."""
        return self.image.is_there

    def keep_files(self, session: Session, owner_id: UUID) -> None:
        """Store the photo that came; forget a kept one that is not this person's."""
        self.image.store(session, owner_id)
        if self.image.problem:
            self.errors.setdefault("image", self.image.problem)

    def asked(self) -> dict[str, Any]:
        """Return all that is asked but a photo that came with it."""
        return {
            "image_url": self.image_url,
            "categories": self.categories,
            "photo": self.image.kept_id(),
        }

    def files(self) -> dict[str, bytes]:
        """Return the SHA-256 of the photo that came."""
        digest = self.image.sha256()
        return {"image": digest} if digest is not None else {}

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
        for name, _, message in fields_refused(error):
            known = name in sentences
            self.errors[name if known else "form"] = sentences.get(name, message)
