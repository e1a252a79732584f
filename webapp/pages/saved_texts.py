"""Whether a person can be texted about their saved searches: what pages may promise."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models import User
from models.saved_search import SavedSearch, Telling
from models.suppression import why_stopped
from webapp.db import settings
from webapp.pages.templating import masked


@dataclass(frozen=True, slots=True)
class Texts:
    """What may be promised about texts where the server sends any.

    Attributes:
        number: the person's proven one, masked; None without.
        stopped: whether it wants no texts.
    """

    number: str | None
    stopped: bool

    @property
    def can_be_sent(self) -> bool:
        """Whether one would really be sent."""
        return self.number is not None and not self.stopped


def texts_of(session: Session, user: User) -> Texts | None:
    """Return what may be promised to somebody; None where this server sends no texts."""
    if settings().sms_provider == "none":
        return None
    if not user.has_verified_phone:
        return Texts(None, stopped=False)
    is_stopped = why_stopped(session, user.phone_hash) is not None
    return Texts(masked(user.phone_last_digits or ""), is_stopped)


def is_told(texts: Texts | None, search: SavedSearch) -> bool:
    """Whether what is new in a search goes out as a text."""
    return texts is not None and texts.can_be_sent and search.notify != Telling.NEVER
