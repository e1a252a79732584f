"""How long it still takes and how many are before, in words; `waiting.js` says the same, live."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from babel import Locale
from flask_babel import gettext

from models import JobStatus
from webapp.i18n import current_language

_MINUTE, _HOUR = 60, 3600
# From here on a guess is told in the larger unit.
_MANY_SECONDS, _MANY_MINUTES = 90, 5400
# Seconds are told in steps of this many: a guess is no countdown.
_STEP = 5


def waiting_words() -> dict[str, str]:
    """Return the sentences, in this request's language; `{low}` and the like are filled in."""
    return {
        "next": gettext("Next in line"),
        "place_one": gettext("{place}st in line"),
        "place_two": gettext("{place}nd in line"),
        "place_few": gettext("{place}rd in line"),
        "place_other": gettext("{place}th in line"),
        "learning": gettext("Still learning how long this takes"),
        "soon": gettext("Any moment now"),
        "longer": gettext("It takes longer than usual"),
        "seconds": gettext("About {low}–{high} s left"),
        "seconds_one": gettext("About {high} s left"),
        "seconds_most": gettext("Less than {high} s left"),
        "minutes": gettext("About {low}–{high} min left"),
        "minutes_one": gettext("About {high} min left"),
        "minutes_most": gettext("Less than {high} min left"),
        "hours": gettext("About {low}–{high} h left"),
        "hours_one": gettext("About {high} h left"),
        "hours_most": gettext("Less than {high} h left"),
    }


def place_in_line(place: int | None, words: Mapping[str, str]) -> str:
    """Return e.g. `3rd in line`; nothing for a job that waits no more."""
    if place is None:
        return ""
    if place == 1:
        return words["next"]
    form = Locale(current_language()).ordinal_form(place)
    return words.get(f"place_{form}", words["place_other"]).format(place=place)


def time_left(job: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Return e.g. `About 20–40 s left`, from the JSON of a job."""
    low, high, own = job.get("eta_low"), job.get("eta_high"), job.get("eta_seconds")
    if low is None or high is None:
        if own is None:
            if job.get("eta_learning"):
                return words["learning"]
            # Longer than nearly all before it; a further attempt is compared with none.
            is_first = job["status"] == JobStatus.RUNNING and job["attempt"] == 1
            return words["longer"] if is_first else ""
        low = high = own
    if high <= 0:
        return words["soon"]
    if high <= _MANY_SECONDS:
        unit, size, step = "seconds", 1, _STEP
    elif high <= _MANY_MINUTES:
        unit, size, step = "minutes", _MINUTE, 1
    else:
        unit, size, step = "hours", _HOUR, 1
    low = math.floor(low / size / step + 0.5) * step
    high = math.ceil(high / size / step) * step
    form = f"{unit}_most" if low <= 0 else f"{unit}_one" if low == high else unit
    return words[form].format(low=low, high=high)
