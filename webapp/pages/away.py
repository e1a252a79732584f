"""What somebody is told who comes back after their saved searches had waited for them."""

from __future__ import annotations

from flask import g

from models.occurrence import skipped_while_away
from webapp.db import database
from webapp.pages.reader import reader
from webapp.pages.saved_words import away_words


def away_notice() -> str:
    """Return that runs were skipped while this browser's person was away; nothing if none were."""
    user = reader()
    if user is None:
        return ""
    if "skipped_while_away" not in g:
        with database().owner(user.id) as session:
            g.skipped_while_away = sum(skipped_while_away(session).values())
    return away_words(g.skipped_while_away)
