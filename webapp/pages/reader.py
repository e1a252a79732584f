"""The account whose browser reads a page: looked up once, whatever of the page asks for it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import g

from models import User
from models.job import count_active
from webapp.auth import current_person
from webapp.db import database
from webapp.pages.zones import is_zone

UNSET_ZONE = "UTC"


def reader() -> User | None:
    """Return the account of this browser, or None; programs read no pages."""
    if "reader" not in g:
        person = current_person()
        g.reader = None
        if person is not None and person.via == "cookie":
            with database().owner(person.id) as session:
                g.reader = session.get(User, person.id)
                g.active = count_active(session, person.id)
    found: User | None = g.reader
    return found


def has_account() -> bool:
    """Whether there is an account to look after."""
    return reader() is not None


def active_count() -> int:
    """Return how many searches of this browser's person have not ended."""
    return 0 if reader() is None else int(g.active)


def lacks_zone() -> bool:
    """Whether the browser's own time zone would be news."""
    user = reader()
    return user is not None and user.time_zone == UNSET_ZONE


def zone_of_reader() -> ZoneInfo:
    """Return the zone this browser's person lives by; UTC where nobody knows it."""
    user = reader()
    return ZoneInfo(user.time_zone if user is not None and is_zone(user.time_zone) else UNSET_ZONE)


def is_operator() -> bool:
    """Whether this browser's person looks after the texts here."""
    user = reader()
    return user is not None and user.role == "operator"
