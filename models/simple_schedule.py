"""Schedules as most people think of them: some times of day, on some weekdays."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.cron import CronLineError, cron_line, tidy
from models.schedule import MOST_LINES, Schedule, ScheduleError

# By the number cron gives to each; the week of people begins with Monday.
WEEKDAYS = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 0}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def simple_lines(times: Sequence[str], weekdays: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the cron lines of some times on some weekdays, one for each time, in their order.

    Args:
        times: e.g. `08:00`, 1 to 12 different ones.
        weekdays: `mon` to `sun`; none are all.

    Raises:
        ScheduleError: with the field that is not right.
    """
    found: dict[tuple[int, int], None] = {}
    for n, given in enumerate(times):
        match = _TIME.fullmatch(given.strip())
        if match is None:
            raise ScheduleError(
                f"schedule.times.{n}", "This must be a time of day from 00:00 to 23:59, e.g. 08:00."
            )
        found[int(match[1]), int(match[2])] = None
    if not 1 <= len(found) <= MOST_LINES:
        raise ScheduleError("schedule.times", f"Give 1 to {MOST_LINES} times, e.g. 08:00.")
    days = _weekday_field(weekdays)
    return tuple(f"{minute} {hour} * * {days}" for hour, minute in sorted(found))


def default_schedule(words: str) -> Schedule:
    """Return the schedule of a setting: times with commas, and their zone.

    Args:
        words: e.g. `08:00,22:00 Europe/London`.

    Raises:
        ScheduleError: with the field that is not right.
    """
    times, _, zone = words.strip().rpartition(" ")
    return Schedule(simple_lines(times.split(",")), zone)


def simple_form(cron_lines: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Return the times and weekdays that cron lines name, as `simple_lines` takes them.

    Returns:
        None if they name days by date, not every line has the same weekdays, or there are more
        than 12 times.
    """
    forms = [line_form(line) for line in cron_lines]
    if not forms or any(form is None for form in forms):
        return None
    days = {tuple(form[1]) for form in forms if form}
    times = sorted({time for form in forms if form for time in form[0]})
    if len(days) != 1 or len(times) > MOST_LINES:
        return None
    return times, list(days.pop())


def line_form(line: str) -> tuple[list[str], list[str]] | None:
    """Return the times and weekdays of one cron line, or None if it is not so simple."""
    try:
        parsed = cron_line(tidy(line))
    except CronLineError:
        return None
    weekdays = parsed.weekdays
    if weekdays is None or len(parsed.minutes) > MOST_LINES:
        return None
    times = [f"{minute // 60:02}:{minute % 60:02}" for minute in parsed.minutes]
    return times, [] if len(weekdays) == len(WEEKDAYS) else [
        name for name, number in WEEKDAYS.items() if number in weekdays
    ]


def _weekday_field(weekdays: Sequence[str]) -> str:
    given = [name.strip().lower() for name in weekdays]
    for n, name in enumerate(given):
        if name not in WEEKDAYS:
            raise ScheduleError(f"schedule.weekdays.{n}", f"This must be of {', '.join(WEEKDAYS)}.")
    chosen = [number for name, number in WEEKDAYS.items() if name in given]
    if len(chosen) in (0, len(WEEKDAYS)):
        return "*"
    if chosen == [1, 2, 3, 4, 5]:
        return "1-5"
    return ",".join(str(number) for number in chosen)
