"""What every form says of a field that is not right."""

from __future__ import annotations

from flask_babel import gettext, ngettext


def choose_one() -> str:
    """Return what is said of a choice that the page does not offer."""
    return gettext("Choose one of the list, please.")


def too_long(most: int) -> str:
    """Return what is said of a text of more than `most` characters."""
    return ngettext(
        "At most %(num)s character, please.", "At most %(num)s characters, please.", most
    )


def in_line(number: int, why: str) -> str:
    """Return what is said of one of several lines; `number` counts from 1."""
    return gettext("Line %(number)s: %(why)s", number=number, why=why[:1].lower() + why[1:])


def unreadable() -> str:
    """Return what is said of a text with a sign that cannot be kept, such as NUL."""
    return gettext("A sign in it cannot be read. Type it anew, please.")
