"""The words pages show for when a saved search runs, and for what a change of the clock does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from babel.dates import format_date
from flask_babel import gettext, ngettext

from models.schedule import MOST_LINES, ClockChange
from models.simple_schedule import WEEKDAYS, line_form
from webapp.i18n import current_language
from webapp.pages.words import N_
from webapp.pages.zones import city_of

_DAYS = {
    "mon": N_("Mondays"),
    "tue": N_("Tuesdays"),
    "wed": N_("Wednesdays"),
    "thu": N_("Thursdays"),
    "fri": N_("Fridays"),
    "sat": N_("Saturdays"),
    "sun": N_("Sundays"),
}
_WEEK = tuple(WEEKDAYS)
_DATES = {"en": "EEEE d MMMM yyyy", "ko": "y년 M월 d일 EEEE"}
# By the weekdays; none are all. Any others are listed.
_AT = {
    (): N_("every day at %(times)s"),
    _WEEK[:5]: N_("weekdays at %(times)s"),
    _WEEK[5:]: N_("weekends at %(times)s"),
}


def schedule_words(cron_lines: Sequence[str]) -> str:
    """Return when lines of cron come, e.g. `every day at 08:00, 10:00 and 14:00`.

    Lines that name days by date, or more times than one reads, are shown as they are; lines of
    different weekdays stand one after the other.
    """
    by_days: dict[tuple[str, ...], set[str]] = {}
    others = []
    for line in cron_lines:
        form = line_form(line)
        days = None if form is None else tuple(form[1])
        if form is None or days is None or len(by_days.get(days, set()) | {*form[0]}) > MOST_LINES:
            others.append(line)
        else:
            by_days.setdefault(days, set()).update(form[0])
    return "; ".join([*(_at(days, sorted(times)) for days, times in by_days.items()), *others])


def clock_change_words(change: ClockChange, zone: str) -> str:
    """Return what a change of the clock does to the coming slots, for before a search is saved.

    Args:
        change: as `Schedule.clock_changes` returns it.
        zone: the schedule's.
    """
    place = city_of(zone, current_language())
    names = {
        "place": place,
        "day": _day(change.day),
        "before": _clock(change.shown_before),
        "after": _clock(change.shown_after),
    }
    if change.shown_after.date() != change.day:
        # At midnight; or a day was left out.
        names["after"] = gettext(
            "%(time)s on %(day)s", time=names["after"], day=_day(change.shown_after.date())
        )
    if change.direction == "forward":
        what = gettext(
            "On %(day)s at %(before)s the clocks in %(place)s go forward to %(after)s.", **names
        )
    else:
        what = gettext(
            "On %(day)s at %(before)s the clocks in %(place)s go back to %(after)s.", **names
        )
    return f"{what} {_effect(change)}"


def _effect(change: ClockChange) -> str:
    times = list(dict.fromkeys(_clock(slot.local) for slot in change.slots))
    if not times:
        return gettext("The times stay as the clock there shows them.")
    if change.direction == "forward":
        return ngettext(
            "%(times)s does not come then; it runs at %(after)s instead.",
            "%(times)s do not come then; they run at %(after)s instead.",
            len(times),
            times=_listed(times),
            after=_clock(change.shown_after),
        )
    return ngettext(
        "%(times)s comes twice then; it runs the first time only.",
        "%(times)s come twice then; they run the first time only.",
        len(times),
        times=_listed(times),
    )


def _at(days: tuple[str, ...], times: list[str]) -> str:
    if days in _AT:
        return gettext(_AT[days], times=_listed(times))
    names = _listed([gettext(_DAYS[day]) for day in days])
    return gettext("%(days)s at %(times)s", days=names, times=_listed(times))


def _listed(items: list[str]) -> str:
    *first, last = items
    return gettext("%(first)s and %(last)s", first=", ".join(first), last=last) if first else last


def _clock(local: datetime) -> str:
    return f"{local:%H:%M}"


def _day(day: date) -> str:
    language = current_language()
    return format_date(day, _DATES[language], locale=language)
