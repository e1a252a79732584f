"""Why a slot of a saved search became no search, in words."""

from __future__ import annotations

from flask_babel import gettext

from models.occurrence import Skip
from webapp.pages.words import N_

_SKIPS = {
    Skip.STILL_RUNNING: N_("The run before was still going on"),
    Skip.MISSED: N_("Our side was away at that time"),
    Skip.SUPERSEDED: N_("A later time was due as well, and ran instead"),
    Skip.AWAY: N_("Nobody had been here for 30 days"),
    Skip.NOT_OFFERED: N_("This kind of search is not offered any more"),
}


def skip_word(reason: str | None) -> str:
    """Return why; nothing for a slot that became a search."""
    return "" if reason is None else gettext(_SKIPS[Skip(reason)])
