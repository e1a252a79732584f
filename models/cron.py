"""Cron lines and the local times they name day by day; no zone is involved here."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from cronsim import CronSim, CronSimError

from models.errors import TextbackError

MOST_CHARACTERS = 250
# So far ahead a line is looked for: `0 0 * 2 MON#5` may rest for 40 years around 2100.
_YEARS_AHEAD = 50
_LAST_YEAR = 9998
_ONE_DAY = timedelta(days=1)
_A_YEAR_DAYS = 366
_MINUTES_A_DAY = 24 * 60
# Of a calendar so many are kept at most: one with lines for many dates could have one a day.
_KINDS_OF_DAYS = 4
_ANY_DAY = datetime.combine(date(2000, 1, 1), time())

_CHARACTERS = re.compile(r"[0-9A-Z*,/# -]*")
# Of `5-5/10` cronsim makes 5,15,25 …, other crons make 5 alone.
_STEP_OF_ONE = re.compile(r"\b0*(\w+)-0*\1/")
_FORMS = "; * is any, 1,5 a list, 1-5 a range, */2 every second"
_FIVE_FIELDS = "five fields (minute, hour, day, month, weekday)"
# By the short name that other crons know.
_WRITTEN_OUT = {
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
    "@MONTHLY": "0 0 1 * *",
    "@WEEKLY": "0 0 * * 0",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@HOURLY": "0 * * * *",
}


class CronFault(StrEnum):
    """What can be wrong with a cron line; the first five are one of its fields."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    WEEKDAY = "weekday"
    TOO_LONG = "too_long"
    COMMENT = "comment"
    SHORT_NAME = "short_name"
    FIELDS = "fields"
    CHARACTERS = "characters"
    STEP_OF_ONE = "step_of_one"
    NO_SUCH_DAY = "no_such_day"
    NEVER = "never"


_SENTENCES = {
    CronFault.MINUTE: "This cron line is not right: the minute, its first field, must be of 0 to "
    f"59{_FORMS}.",
    CronFault.HOUR: "This cron line is not right: the hour, its second field, must be of 0 to "
    f"23{_FORMS}.",
    CronFault.DAY: "This cron line is not right: the day, its third field, must be of 1 to 31 or "
    f"L for the last one{_FORMS}.",
    CronFault.MONTH: "This cron line is not right: the month, its fourth field, must be of 1 to "
    f"12 or JAN to DEC{_FORMS}.",
    CronFault.WEEKDAY: "This cron line is not right: the weekday, its fifth field, must be of 0 "
    "to 7 (0 and 7 are Sunday) or SUN to SAT, MON#2 for the second Monday of a month or 1L for "
    f"the last{_FORMS}.",
    CronFault.TOO_LONG: f"A cron line has {MOST_CHARACTERS} characters at most.",
    CronFault.COMMENT: "This is a comment; leave it out, and give cron lines alone.",
    CronFault.SHORT_NAME: f"A cron line is written out in {_FIVE_FIELDS}, e.g. {{instead}} instead "
    "of a name with @.",
    CronFault.FIELDS: f"A cron line has {_FIVE_FIELDS}, e.g. 0 8 * * 1-5 for 08:00 from Monday to "
    "Friday; this one has {fields}.",
    CronFault.CHARACTERS: f"A cron line has {_FIVE_FIELDS} of digits, names such as MON, and "
    "* , / - # alone; take out the rest.",
    CronFault.STEP_OF_ONE: "A step needs a range of more than one, e.g. 5-59/10.",
    CronFault.NO_SUCH_DAY: "This cron line never comes: none of its months has that day.",
    CronFault.NEVER: "This cron line never comes: no date has what it asks for.",
}
# By the name cronsim gives to a field.
_FIELDS = {
    "minute": CronFault.MINUTE,
    "hour": CronFault.HOUR,
    "day-of-month": CronFault.DAY,
    "month": CronFault.MONTH,
    "day-of-week": CronFault.WEEKDAY,
}


class CronLineError(TextbackError):
    """Something is wrong with a cron line: told in English here, in other languages by `fault`.

    Attributes:
        fault: what is wrong.
        fields: how many the line has, where it must have five.
        instead: five fields that mean what a short name does, or an example of such.
    """

    def __init__(self, fault: CronFault, line: str = "") -> None:
        """Say what would be right; `line` is the tidy one that is wrong."""
        self.fault = fault
        self.fields = len(line.split())
        self.instead = _WRITTEN_OUT.get(line, _WRITTEN_OUT["@DAILY"])
        names = {"fields": self.fields or "none", "instead": self.instead}
        super().__init__(_SENTENCES[fault].format(**names))


@dataclass(frozen=True, slots=True)
class CronLine:
    """One line: its minutes of the day in order, and the days that have them."""

    text: str
    minutes: array[int]
    months: frozenset[int]
    # 0 (Sunday) to 6 if it is these days of every week; None if it names days in another way.
    weekdays: frozenset[int] | None
    # What knows about days that are named in another way.
    _days: CronSim | None

    def has(self, day: date) -> bool:
        """Whether the line names times on this day."""
        if self.weekdays is not None:
            return day.isoweekday() % 7 in self.weekdays
        return self._days is not None and day.month in self.months and self._days.match_day(day)


@dataclass(frozen=True, slots=True)
class DayTimes:
    """What some lines name on a day: minutes of the day in order, and the line of each."""

    minutes: array[int]
    lines: bytes
    # Between two of them, in minutes; a day if there are not two.
    shortest_gap: int


def tidy(line: str) -> str:
    """Return a line as it is kept: upper case, one space between fields."""
    return " ".join(line.split()).upper()


@lru_cache(maxsize=4096)
def cron_line(text: str) -> CronLine:
    """Understand a tidy line.

    Raises:
        CronLineError: it is no cron line of five fields, or it never comes.
    """
    if len(text) > MOST_CHARACTERS:
        raise CronLineError(CronFault.TOO_LONG)
    fault = _fault_of_form(text)
    if fault is not None:
        raise CronLineError(fault, text)
    try:
        parsed = CronSim(text, _ANY_DAY)
    except CronSimError as error:
        raise CronLineError(_fault_of_field(text, str(error)), text) from None
    minutes = array("H", (60 * h + m for h in sorted(parsed.hours) for m in sorted(parsed.minutes)))
    weekdays, months = _weekdays(text, parsed), frozenset(parsed.months)
    if weekdays is not None:
        return CronLine(text, minutes, months, weekdays, None)
    line = CronLine(text, minutes, months, None, parsed)
    if next(Calendar((line,)).after(_ANY_DAY), None) is None:
        raise CronLineError(CronFault.NEVER)
    return line


def _weekdays(text: str, parsed: CronSim) -> frozenset[int] | None:
    _, _, day, month, _ = text.split(" ")
    # cronsim keeps 1L and 1#2 as pairs.
    plain = [number % 7 for number in parsed.weekdays if isinstance(number, int)]
    every_week = (day, month) == ("*", "*") and len(plain) == len(parsed.weekdays)
    return frozenset(plain) if every_week else None


def _fault_of_form(text: str) -> CronFault | None:
    """Return what is wrong whatever the fields mean, if anything."""
    if text.startswith("#"):
        return CronFault.COMMENT
    if text.startswith("@"):
        return CronFault.SHORT_NAME
    if text.count(" ") != 4:
        return CronFault.FIELDS
    if not _CHARACTERS.fullmatch(text):
        return CronFault.CHARACTERS
    return CronFault.STEP_OF_ONE if _STEP_OF_ONE.search(text) else None


def _fault_of_field(text: str, told: str) -> CronFault:
    wrong = _FIELDS.get(told.removeprefix("Bad "), CronFault.FIELDS)
    if wrong is CronFault.DAY:
        minute, hour, day, _, weekday = text.split(" ")
        try:
            CronSim(f"{minute} {hour} {day} * {weekday}", _ANY_DAY)
        except CronSimError:
            return wrong
        return CronFault.NO_SUCH_DAY
    return wrong


@dataclass(slots=True)
class Calendar:
    """The local times that some lines name together; one that several name is the first's."""

    lines: tuple[CronLine, ...]
    _months: frozenset[int] = field(init=False)
    # By the lines that have a day, a bit for each: most schedules know one or two kinds of days.
    _days: dict[int, DayTimes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note the months that have any."""
        self._months = frozenset[int]().union(*(line.months for line in self.lines))

    def after(self, local: datetime) -> Iterator[tuple[datetime, str]]:
        """Yield each local time later than this one, in order, with its line.

        Args:
            local: without a zone.

        Yields:
            Whole minutes, for 50 years at most.
        """
        day, start = local.date(), 60 * local.hour + local.minute + 1
        last_year = min(day.year + _YEARS_AHEAD, _LAST_YEAR)
        while day.year <= last_year:
            if day.month not in self._months:
                day, start = (day.replace(day=1) + 31 * _ONE_DAY).replace(day=1), 0
                continue
            times = self.on(day)
            midnight = datetime.combine(day, time())
            for n in range(bisect_left(times.minutes, start), len(times.minutes)):
                found = midnight + timedelta(minutes=times.minutes[n])
                yield found, self.lines[times.lines[n]].text
            day, start = day + _ONE_DAY, 0

    def on(self, day: date) -> DayTimes:
        """Return the times of one day."""
        having = [n for n, line in enumerate(self.lines) if line.has(day)]
        key = sum(1 << n for n in having)
        times = self._days.get(key)
        if times is None:
            first = {minute: n for n in reversed(having) for minute in self.lines[n].minutes}
            minutes = array("H", sorted(first))
            gaps = (later - minute for minute, later in pairwise(minutes))
            times = DayTimes(
                minutes,
                bytes(first[minute] for minute in minutes),
                min(gaps, default=_MINUTES_A_DAY),
            )
            if len(self._days) >= _KINDS_OF_DAYS:
                self._days.clear()
            self._days[key] = times
        return times

    def shortest_gap(self, first: date) -> timedelta:
        """Return the least time between two local times of a year.

        Args:
            first: the year begins on this day, or on the first one after it that has any.
        """
        found = next(self.after(datetime.combine(first, time()) - timedelta(minutes=1)), None)
        first = first if found is None else found[0].date()
        shortest, before = _A_YEAR_DAYS * _MINUTES_A_DAY, None
        for n in range(_A_YEAR_DAYS):
            times = self.on(first + n * _ONE_DAY)
            if not times.minutes:
                continue
            if len(times.minutes) > 1:
                shortest = min(shortest, times.shortest_gap)
            if before is not None:
                shortest = min(shortest, n * _MINUTES_A_DAY + times.minutes[0] - before)
            before = n * _MINUTES_A_DAY + times.minutes[-1]
        return timedelta(minutes=shortest)


@lru_cache(maxsize=4096)
def calendar_of(lines: tuple[str, ...]) -> Calendar:
    """Return the calendar of tidy lines; people share most of them."""
    return Calendar(tuple(cron_line(line) for line in lines))
