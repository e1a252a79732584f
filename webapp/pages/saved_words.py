"""The words pages show for saved searches: what is wrong with a form, and how a run ended."""

from __future__ import annotations

import re
from datetime import timedelta

from babel.dates import get_day_names
from flask_babel import gettext, ngettext

from models import Job, JobStatus
from models.cron import CronLineError
from models.saved_search import PauseReason, SavedSearch, Telling
from models.schedule import MOST_LINES, ScheduleError
from models.simple_schedule import WEEKDAYS
from webapp.db import settings
from webapp.i18n import current_language
from webapp.pages.cron_words import cron_words
from webapp.pages.form_words import choose_one, in_line
from webapp.pages.results import count_of
from webapp.pages.saved_zones import no_such_zone
from webapp.pages.schedule_words import schedule_words
from webapp.pages.words import N_, status_word
from webapp.pages.zones import city_of, is_zone

MOST_LIMIT_HOURS = 7 * 24
_PLACE = re.compile(r"schedule\.times\.(\d+)")

_TELLINGS = {
    Telling.NEW: N_("Only when there is something new"),
    Telling.ALWAYS: N_("After every run"),
    Telling.NEVER: N_("Never"),
}


def telling_word(notify: str) -> str:
    """Return when a saved search sends a text."""
    return gettext(_TELLINGS[Telling(notify)])


def telling_words() -> dict[str, str]:
    """Return all that may be chosen for texts, in the order of the page."""
    return {telling.value: gettext(word) for telling, word in _TELLINGS.items()}


def day_words() -> dict[str, str]:
    """Return the weekdays as chips show them, Monday first."""
    names = get_day_names("abbreviated", locale=current_language())
    return {day: names[place] for place, day in enumerate(WEEKDAYS)}


def when_words(cron_lines: list[str] | tuple[str, ...], zone: str) -> str:
    """Return when a search runs and by whose clock, as a sentence begins."""
    words = gettext(
        "%(when)s, by the clock in %(place)s",
        when=schedule_words(cron_lines),
        place=place_of(zone),
    )
    return words[:1].upper() + words[1:]


def place_of(zone: str) -> str:
    """Return the city of a zone, in the reader's language; a zone there is no more by its name."""
    return city_of(zone, current_language()) if is_zone(zone) else zone


def state_word(search: SavedSearch) -> tuple[str, str]:
    """Return in a word how a search is, and the look of its badge."""
    if search.pause_reason == PauseReason.FAILURES:
        return gettext("Paused: it failed"), "failed"
    if search.is_paused:
        return gettext("Paused"), "cancelled"
    if search.next_slot_at is None:
        return gettext("Ended"), "cancelled"
    return gettext("Active"), "succeeded"


def run_words(job: Job, search: SavedSearch, *, is_told: bool) -> str:
    """Return how a run of a saved search went.

    Args:
        job: the run.
        search: whose.
        is_told: whether what is new goes out as a text; nobody else is promised to hear of it.
    """
    if job.status != JobStatus.SUCCEEDED:
        return status_word(job.status)
    if job.new_count is None:
        return set_up_words(job, search, is_told=is_told)
    if job.new_count and job.result_count:
        return count_of(job)
    if job.new_count:
        return gettext("Something new")
    if job.result_count:
        return gettext("Nothing new, %(num)s found", num=job.result_count)
    return gettext("Nothing new")


def set_up_words(job: Job, search: SavedSearch, *, is_told: bool) -> str:
    """Return what a first run did: all it found is known, and once it was whole the rest is new."""
    if search.baseline_at is None:
        return gettext("Not all sites answered, so a later run sets up what is known")
    # The run that sets it ends a moment later, in the same transaction.
    if job.finished_at is not None and job.finished_at < search.baseline_at:
        return gettext("Not all sites answered")
    if job.result_count is None:
        return gettext("Set up; from now on what is new is marked")
    names = {"num": job.result_count}
    if is_told:
        return gettext("Set up: %(num)s found; from now on you hear of what is new", **names)
    return gettext("Set up: %(num)s found; from now on what is new is marked", **names)


def late_words(late: timedelta) -> str:
    """Return how late something was, to the minute."""
    minutes = max(1, round(late.total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    if hours:
        return gettext("%(hours)s h %(minutes)s min late", hours=hours, minutes=rest)
    return gettext("%(minutes)s min late", minutes=rest)


def away_words(slots: int) -> str:
    """Return that runs were skipped while somebody was away; nothing for none."""
    if not slots:
        return ""
    return ngettext(
        "While you were away for over 30 days, %(num)s run was skipped. They go on from now on.",
        "While you were away for over 30 days, %(num)s runs were skipped. They go on from now on.",
        slots,
    )


def too_many_times() -> str:
    """Return what is said of more times than a schedule may have."""
    return gettext("Give at most %(most)s times.", most=MOST_LINES)


def too_many_lines() -> str:
    """Return what is said of more cron lines than a schedule may have."""
    return gettext("Give at most %(most)s lines.", most=MOST_LINES)


def line_problem(place: int, error: CronLineError) -> str:
    """Return what is wrong with one cron line; `place` counts from 0."""
    return in_line(place + 1, cron_words(error))


def schedule_problem(error: ScheduleError) -> dict[str, str]:
    """Return what is wrong with a schedule, by the field of the form that it is about."""
    found = _PLACE.fullmatch(error.field)
    if found:
        return {f"times-{found[1]}": gettext("Give a time of day, such as 08:00.")}
    sentences = {
        "times": too_many_times(),
        "cron": too_many_lines(),
        "time_zone": no_such_zone("", current_language()),
        "ends_at": gettext("With this no time is left. Choose other times, or a later end."),
        "schedule": gettext(
            "Two of these times are too close to each other. Leave %(minutes)s minutes at least.",
            minutes=settings().saved_search_interval_minutes,
        ),
    }
    name = error.field.removeprefix("schedule.")
    return {name: sentences[name]} if name in sentences else {"form": choose_one()}
