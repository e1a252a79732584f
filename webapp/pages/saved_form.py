"""The form of a saved search: its times, its texts, and behind a word what few people choose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Request
from flask_babel import gettext

from models.cron import CronLineError, cron_line, tidy
from models.saved_search import SavedSearch, Telling
from models.schedule import MOST_LINES, Schedule, ScheduleError, check_zone
from models.simple_schedule import WEEKDAYS, default_schedule, simple_form, simple_lines
from models.wall_clock import first_moment
from tasks.saved_searches import MOST_NAME, check_schedule
from webapp.db import settings
from webapp.i18n import current_language
from webapp.idempotency import IdempotencyKey
from webapp.pages.ask import new_key, page_key, read_key
from webapp.pages.form_words import choose_one, too_long, unreadable
from webapp.pages.saved_words import (
    MOST_LIMIT_HOURS,
    line_problem,
    schedule_problem,
    too_many_lines,
    too_many_times,
)
from webapp.pages.saved_zones import no_such_zone
from webapp.pages.zones import zone_named
from webapp.resources.schemas import is_odd_text
from webapp.schedules import read_schedule

# What may be chosen for the times, in the order of the page.
SUGGESTED, MORNING, WEEKDAY, OWN = "suggested", "morning", "weekdays", "own"
WHEN = (SUGGESTED, MORNING, WEEKDAY, OWN)
MORNING_TIME = "08:00"
WORKING_DAYS = tuple(WEEKDAYS)[:5]
_CHOICES = {
    "when": WHEN,
    "notify": tuple(Telling),
    "overlap": ("skip", "queue"),
    "missed": ("once", "skip"),
}
_LEAST_LIMIT_SECONDS, _HOUR_SECONDS = 300, 3600
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
_YEARS = range(1970, 9001)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says about times, for `read_schedule`."""

    times: Sequence[str] | None = None
    weekdays: Sequence[str] | None = None
    cron: Sequence[str] | None = None
    time_zone: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass
class SavedForm:
    """What the form holds, as it was typed: nothing is lost when a part of it is wrong.

    Attributes:
        when: one of WHEN; `times`, `weekdays`, `cron` and `time_zone` count with OWN alone.
        cron: lines, which count instead of the times if there are any.
        starts_at: by the person's own clock, as browsers write it.
        ends_at: as `starts_at`.
        missed_hours: how old a missed slot may be.
        key: of this form as the browser has it.
        errors: by field, in the reader's language; `form` for what belongs to none.
    """

    when: str = SUGGESTED
    times: list[str] = field(default_factory=list)
    weekdays: list[str] = field(default_factory=list)
    cron: str = ""
    time_zone: str = ""
    notify: str = Telling.NEW
    name: str = ""
    starts_at: str = ""
    ends_at: str = ""
    overlap: str = "skip"
    missed: str = "once"
    missed_hours: str = "6"
    key: str = field(default_factory=new_key)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, request: Request) -> SavedForm:
        """Read a sent form, and check what needs no zone."""
        typed = request.form
        form = cls(
            when=typed.get("when", SUGGESTED),
            times=[one.strip() for one in typed.getlist("times")],
            weekdays=typed.getlist("weekdays"),
            cron=typed.get("cron", "").strip(),
            time_zone=zone_named(typed.get("time_zone", "").strip(), current_language()),
            notify=typed.get("notify", Telling.NEW),
            name=typed.get("name", "").strip(),
            starts_at=typed.get("starts_at", ""),
            ends_at=typed.get("ends_at", ""),
            overlap=typed.get("overlap", "skip"),
            missed=typed.get("missed", "once"),
            missed_hours=typed.get("missed_hours", "6").strip(),
            key=read_key(typed.get("idempotency_key")),
        )
        form._check()
        return form

    @classmethod
    def of(cls, search: SavedSearch, zone: str) -> SavedForm:
        """Return the form filled in as a search is.

        Args:
            search: which.
            zone: its person's.
        """
        lines, its_zone = tuple(search.cron_lines), search.time_zone
        when = _when(lines, its_zone, zone)
        simple = simple_form(lines)
        times, weekdays = simple if simple and when == OWN else ([], [])
        return cls(
            when=when,
            times=times,
            weekdays=weekdays,
            cron="" if simple else "\n".join(lines),
            time_zone=its_zone if when == OWN else zone,
            notify=search.notify,
            name=search.name,
            starts_at=_by_clock(search.starts_at, zone),
            ends_at=_by_clock(search.ends_at, zone),
            overlap=search.overlap,
            missed=search.missed,
            missed_hours=f"{search.missed_limit_seconds / _HOUR_SECONDS:g}",
        )

    @property
    def fields_of_times(self) -> list[str]:
        """Return what stands in each field for a time; there are as many as may be given."""
        return self.times + [""] * (MOST_LINES - len(self.times))

    @property
    def has_many_times(self) -> bool:
        """Whether more than half of the fields for times are needed, or wrong."""
        later = range(MOST_LINES // 2, len(self.times))
        return any(self.times[place] or f"times-{place}" in self.errors for place in later)

    @property
    def lines(self) -> list[str]:
        """Return the cron lines that were typed."""
        return [line for line in map(str.strip, self.cron.splitlines()) if line]

    @property
    def has_more(self) -> bool:
        """Whether anything is chosen, or wrong, of what is behind a word."""
        plain = (self.overlap, self.missed, self.missed_hours) == ("skip", "once", "6")
        wrong = self.errors.keys() & {"name", "starts_at", "ends_at", "missed_hours"}
        return bool(self.starts_at or self.ends_at or wrong) or not plain

    @property
    def missed_limit_seconds(self) -> int:
        """Return how old a missed slot may be; the hours must have been checked."""
        return round(float(self.missed_hours) * _HOUR_SECONDS)

    def schedule(self, zone: str, kept: Schedule | None = None) -> Schedule | None:
        """Return the times that are asked for, or None and say in `errors` what is wrong.

        Args:
            zone: the person's.
            kept: as they are; whatever is to be said of these has been said.
        """
        said, self.errors = self.errors, {}
        asked = self._asked(zone, kept)
        if asked.starts_at and asked.ends_at and asked.ends_at < asked.starts_at:
            self.errors["ends_at"] = gettext("The end must not be before the start.")
        is_wrong, self.errors = bool(self.errors), said | self.errors
        if is_wrong:
            return None
        try:
            schedule = read_schedule(asked, settings(), zone)
            if kept is not None and _is_the_same(schedule, kept):
                return kept
            check_schedule(settings(), schedule)
        except ScheduleError as error:
            wrong = schedule_problem(error)
            if "ends_at" in wrong and not self.ends_at:
                wrong = {"schedule": wrong["ends_at"]}
            self.errors |= wrong
            return None
        return schedule

    def idempotency_key(self, route: str, about: str) -> IdempotencyKey:
        """Return what makes one saved search of this form, however often it is sent as it is.

        Args:
            route: where it is sent, e.g. `POST /saved`.
            about: the id of the job whose question is kept.
        """
        asked: dict[str, Any] = {
            name: value for name, value in vars(self).items() if name not in ("key", "errors")
        }
        return page_key(self.key, route, {**asked, "about": about})

    def _asked(self, zone: str, kept: Schedule | None) -> Asked:
        times: list[str] | None = None
        weekdays: Sequence[str] | None = None
        cron, named = None, None
        if self.when == OWN:
            named = self.time_zone or None
            self._check_zone()
            if self.lines:
                cron = self.lines[: MOST_LINES + 1]
                self._check_lines(cron)
            else:
                times, weekdays = self._times(), self.weekdays or None
        elif self.when in (MORNING, WEEKDAY):
            times = [MORNING_TIME]
            weekdays = WORKING_DAYS if self.when == WEEKDAY else None
        return Asked(
            times,
            weekdays,
            cron,
            named,
            self._moment("starts_at", zone, kept.starts_at if kept else None),
            self._moment("ends_at", zone, kept.ends_at if kept else None),
        )

    def _times(self) -> list[str]:
        if len({typed for typed in self.times if typed}) > MOST_LINES:
            self.errors["times"] = too_many_times()
            return []
        for place, typed in enumerate(self.times):
            try:
                simple_lines([typed] if typed else [MORNING_TIME])
            except ScheduleError as error:
                wrong = schedule_problem(error)
                self.errors[f"times-{place}"] = wrong.get("times-0", "") or wrong["times"]
        given = [typed for typed in self.times if typed]
        if not given:
            self.errors["times"] = gettext("Give at least one time.")
        return given

    def _check_lines(self, lines: list[str]) -> None:
        """Say of each line that is wrong what would be right."""
        if len(lines) > MOST_LINES:
            self.errors["cron"] = too_many_lines()
            return
        wrong = []
        for place, line in enumerate(lines):
            try:
                cron_line(tidy(line))
            except CronLineError as error:
                wrong.append(line_problem(place, error))
        if wrong:
            self.errors["cron"] = "\n".join(wrong)

    def _check_zone(self) -> None:
        if not self.time_zone:
            return
        try:
            check_zone(self.time_zone)
        except ScheduleError:
            self.errors["time_zone"] = no_such_zone(self.time_zone, current_language())

    def _moment(self, name: str, zone: str, kept: datetime | None) -> datetime | None:
        """Return the moment of what was typed; `kept` to the second if that is how it is shown."""
        typed = getattr(self, name)
        if not typed:
            return None
        if kept is not None and typed == _by_clock(kept, zone):
            return kept
        local = _local(typed)
        if local is None:
            self.errors[name] = gettext("Give a day and a time, such as 2026-03-29 08:00.")
            return None
        try:
            return first_moment(local, ZoneInfo(zone))[0]
        except (KeyError, ValueError, OSError):
            return None

    def _check(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                setattr(self, name, choices[0])
                self.errors["form"] = choose_one()
        if not set(self.weekdays) <= WEEKDAYS.keys():
            self.weekdays = [day for day in self.weekdays if day in WEEKDAYS]
            self.errors["form"] = choose_one()
        for name in ("name", "cron", "time_zone", "starts_at", "ends_at", "missed_hours"):
            if is_odd_text(getattr(self, name)):
                setattr(self, name, "")
                self.errors[name] = unreadable()
        if any(map(is_odd_text, self.times)):
            self.times = []
        if len(self.name) > MOST_NAME:
            self.errors["name"] = too_long(MOST_NAME)
        self._check_limit()

    def _check_limit(self) -> None:
        try:
            is_right = self.missed_limit_seconds >= _LEAST_LIMIT_SECONDS
            is_right = is_right and self.missed_limit_seconds <= MOST_LIMIT_HOURS * _HOUR_SECONDS
        except (ValueError, OverflowError):
            is_right = False
        if not is_right:
            self.errors["missed_hours"] = gettext(
                "Give hours from 0.1 to %(most)s, such as 6.", most=MOST_LIMIT_HOURS
            )


def _local(typed: str) -> datetime | None:
    try:
        local = datetime.fromisoformat(typed) if _LOCAL.fullmatch(typed) else None
    except ValueError:
        return None  # such as the 30th of February
    return local if local and local.year in _YEARS else None


def _suggested() -> Schedule:
    return default_schedule(settings().default_schedule)


def _when(lines: tuple[str, ...], its_zone: str, zone: str) -> str:
    """Return which choice of the page a schedule is, for a person in `zone`."""
    suggested = _suggested()
    known = {
        (suggested.cron_lines, suggested.time_zone): SUGGESTED,
        (simple_lines([MORNING_TIME]), zone): MORNING,
        (simple_lines([MORNING_TIME], WORKING_DAYS), zone): WEEKDAY,
    }
    return known.get((lines, its_zone), OWN)


def _is_the_same(one: Schedule, other: Schedule) -> bool:
    """Whether two schedules have the same slots: lines may be written in more than one way."""
    if (one.time_zone, one.starts_at, one.ends_at) != (
        other.time_zone,
        other.starts_at,
        other.ends_at,
    ):
        return False
    simple = simple_form(one.cron_lines)
    return one.cron_lines == other.cron_lines or (
        simple is not None and simple == simple_form(other.cron_lines)
    )


def _by_clock(moment: datetime | None, zone: str) -> str:
    """Return a moment as browsers write what a zone's clock shows then."""
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"
