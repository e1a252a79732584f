"""What is wrong with a cron line, in the reader's language, as it stands after `Line 2:`."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext

from models.cron import MOST_CHARACTERS, CronFault, CronLineError
from webapp.pages.words import N_

_FIELDS: Mapping[CronFault, str] = {
    CronFault.MINUTE: N_("the minute, its first field, must be of 0 to 59."),
    CronFault.HOUR: N_("the hour, its second field, must be of 0 to 23."),
    CronFault.DAY: N_("the day, its third field, must be of 1 to 31, or L for the last one."),
    CronFault.MONTH: N_("the month, its fourth field, must be of 1 to 12 or JAN to DEC."),
    CronFault.WEEKDAY: N_(
        "the weekday, its fifth field, must be of 0 to 7 (0 and 7 are Sunday) or SUN to SAT, "
        "MON#2 for the second Monday of a month or 1L for the last."
    ),
}
_LINES: Mapping[CronFault, str] = {
    CronFault.TOO_LONG: N_("it may have %(most)s characters at most."),
    CronFault.COMMENT: N_("this is a comment. Leave it out, and write cron lines alone."),
    CronFault.SHORT_NAME: N_("names with @ are written out here, such as %(instead)s."),
    CronFault.FIELDS: N_(
        "it must have five fields (minute, hour, day, month, weekday), such as 0 8 * * 1-5, and "
        "has %(fields)s."
    ),
    CronFault.CHARACTERS: N_(
        "it may hold digits, names such as MON, and * , / - # alone. Take out the rest."
    ),
    CronFault.STEP_OF_ONE: N_("a step needs a range of more than one, such as 5-59/10."),
    CronFault.NO_SUCH_DAY: N_("it never comes: none of its months has that day."),
    CronFault.NEVER: N_("it never comes: no date has what it asks for."),
}


def cron_words(error: CronLineError) -> str:
    """Return what would be right."""
    if error.fault in _FIELDS:
        forms = gettext("* is any, 1,5 a list, 1-5 a range, */2 every second.")
        return f"{gettext(_FIELDS[error.fault])} {forms}"
    names = {"most": MOST_CHARACTERS, "instead": error.instead, "fields": error.fields}
    return gettext(_LINES[error.fault], **names)
