"""What every form that starts a search has: its key, a phone, and what is wrong with it."""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from flask import Request
from sqlalchemy.orm import Session

from models import User
from models.errors import TextbackError
from models.phone import PhoneKeys, PhoneNumber, PhoneNumberError
from models.suppression import why_stopped
from tasks.submission import InvalidParamsError
from webapp.db import settings
from webapp.idempotency import IdempotencyKey, request_hash
from webapp.pages.verify import default_country, not_a_number, not_this_country

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
class Ask(ABC):
    """What a form holds. Nothing somebody typed is lost when a part of it is wrong.

    Attributes:
        country: that the number is dialled in, as an ISO code.
        key: of this form as the browser has it.
        errors: by field, in the reader's language; `form` for what belongs to none.
        number: the one that was typed, if it is one.
    """

    country: str = ""
    phone: str = ""
    text_me: bool = True
    key: str = field(default_factory=new_key)
    errors: dict[str, str] = field(default_factory=dict)
    number: PhoneNumber | None = None

    @classmethod
    def empty(cls, **fields: Any) -> Self:
        """Return the form nobody has filled in yet, but for these fields."""
        return cls(country=default_country(), **fields)

    @property
    @abstractmethod
    def kind(self) -> str:
        """Return the kind of search that the form is for."""

    @abstractmethod
    def params(self) -> dict[str, Any]:
        """Return the params of the job. Files are stored by then."""

    @abstractmethod
    def refuse(self, error: InvalidParamsError) -> None:
        """Put what the kind refused beside its fields, in the reader's language."""

    @abstractmethod
    def asked(self) -> dict[str, Any]:
        """Return all that is asked but files that came with it, as JSON."""

    def files(self) -> dict[str, bytes]:
        """Return the SHA-256 of each file that came, by its field."""
        return {}

    @property
    def has_files(self) -> bool:
        """Whether there is a file that must not be lost."""
        return False

    def keep_files(self, session: Session, owner_id: UUID) -> None:  # noqa: B027 - most have none
        """Store the files that came, in the owner's transaction; what cannot be is an error."""

    def read_contact(self, request: Request) -> None:
        """Read the form's key and where to text to; check what needs no database."""
        typed = request.form
        self.key = read_key(typed.get("idempotency_key"))
        self.country = typed.get("country", "")
        self.phone = typed.get("phone", "").strip()
        self.text_me = "text_me" in typed
        if self.phone and settings().sms_provider != "none":
            self._check_phone()

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

    def idempotency_key(self, route: str) -> IdempotencyKey:
        """Return what makes one search of this form, however often it is sent as it is.

        Changed and sent again, as after the back button, it is another.
        """
        asked = {
            **self.asked(),
            # The hash of all this is kept, and numbers are too few for a hash without a key.
            "number": PhoneKeys(settings()).fingerprint(self.number.e164).hex()
            if self.number
            else None,
            "text_me": self.text_me,
        }
        return page_key(self.key, route, asked, self.files())

    def _is_known(self, user: User) -> bool:
        assert self.number is not None  # noqa: S101 - asked of a number that was typed
        return (
            user.has_verified_phone
            and PhoneKeys(settings()).fingerprint(self.number.e164) == user.phone_hash
        )

    def _check_phone(self) -> None:
        try:
            self.number = PhoneNumber.parse(self.phone, self.country or None)
        except PhoneNumberError:
            self.errors["phone"] = not_a_number()
            return
        if not settings().may_text(self.number.country):
            self.errors["phone"] = not_this_country(self.number.country)


def fields_refused(error: InvalidParamsError) -> list[tuple[str, str, str]]:
    """Return what a kind refused: the param, where in it (or ``), and the kind's own words."""
    found = []
    for problem in error.errors:
        name, _, inside = problem.field.removeprefix("params").lstrip(".").partition(".")
        found.append((name, inside, problem.message))
    return found
