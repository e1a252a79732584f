"""The form of a kind that has none of its own: a field for each of its params."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Request
from flask_babel import gettext
from sqlalchemy.orm import Session

from tasks.registry import JobKind
from tasks.submission import InvalidParamsError
from webapp.pages.ask import Ask, fields_refused
from webapp.pages.schema_fields import SchemaField, schema_fields
from webapp.pages.sent_photo import SentPhoto


@dataclass
class SchemaAsk(Ask):
    """What a generated form holds.

    Attributes:
        fields: one for each param.
        typed: by param, what its field holds: a text, or a list of what is chosen.
        photos: by param that takes an upload.
    """

    name: str = ""
    fields: list[SchemaField] = field(default_factory=list)
    typed: dict[str, str | list[str]] = field(default_factory=dict)
    photos: dict[str, SentPhoto] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: JobKind, params: Mapping[str, Any] | None = None) -> SchemaAsk:
        """Return the form of a kind with its defaults, or as an earlier search asked."""
        ask: SchemaAsk = cls.empty(name=kind.name, fields=schema_fields(kind.params))
        for one in ask.fields:
            is_given = params is not None and one.name in params
            value = params[one.name] if params is not None and is_given else None
            if one.shape == "upload":
                kept = value if isinstance(value, str) else None
                ask.photos[one.name] = SentPhoto(None, kept, one.name)
            else:
                ask.typed[one.name] = one.show(value) if is_given else one.default
        return ask

    @classmethod
    def read(cls, request: Request, kind: JobKind) -> SchemaAsk:
        """Read a sent form and check all that can be checked without the database."""
        ask = cls(name=kind.name, fields=schema_fields(kind.params))
        ask.read_contact(request)
        for one in ask.fields:
            sent = f"params.{one.name}"
            if one.shape == "upload":
                photo = SentPhoto(
                    request.files.get(sent), request.form.get(f"kept.{one.name}"), sent
                )
                ask.photos[one.name] = photo
                missing = one.is_required and not photo.is_there
                problem = photo.problem or (gettext("Choose a photo first.") if missing else None)
            else:
                values = request.form.getlist(sent)
                typed = values if one.shape == "choices" else "".join(values[:1])
                ask.typed[one.name], problem = typed, one.problem(typed)
            if problem:
                ask.errors[one.name] = problem
        return ask

    @property
    def kind(self) -> str:
        """Return the kind of search that the form is for."""
        return self.name

    @property
    def has_files(self) -> bool:
        """Whether there are photos that must not be lost."""
        return any(photo.is_there for photo in self.photos.values())

    def photo_of(self, name: str) -> UUID | None:
        """Return the upload that a param has already."""
        photo = self.photos.get(name)
        return photo.upload_id if photo else None

    def keep_files(self, session: Session, owner_id: UUID) -> None:
        """Store the photos that came; forget kept ones that are not this person's."""
        for name, photo in self.photos.items():
            photo.store(session, owner_id)
            if photo.problem:
                self.errors.setdefault(name, photo.problem)

    def files(self) -> dict[str, bytes]:
        """Return the SHA-256 of each photo that came."""
        digests = {name: photo.sha256() for name, photo in self.photos.items()}
        return {name: digest for name, digest in digests.items() if digest is not None}

    def asked(self) -> dict[str, Any]:
        """Return all that is asked but photos that came with it."""
        kept = {name: photo.kept_id() for name, photo in self.photos.items()}
        return {"params": self.typed, "photos": kept}

    def params(self) -> dict[str, Any]:
        """Return the params of the job; what was left open is left out."""
        given: dict[str, Any] = {}
        for one in self.fields:
            if one.shape == "upload":
                photo = self.photo_of(one.name)
                given[one.name] = str(photo) if photo else None
            else:
                given[one.name] = one.read(self.typed.get(one.name, ""))
        return {name: value for name, value in given.items() if value is not None}

    def refuse(self, error: InvalidParamsError) -> None:
        """Put what the kind refused beside its fields, in the kind's own words."""
        titles = {one.name: one.title for one in self.fields}
        for name, _, message in fields_refused(error):
            is_word = message[:1].islower()  # `must be …`, which needs its subject
            said = f"{titles.get(name, name)}: {message}" if is_word else message
            self.errors[name if name in titles else "form"] = said
