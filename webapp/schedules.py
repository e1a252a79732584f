"""Schedules as people and programs write them, and as they are shown to programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from models import Settings
from models.saved_search import SavedSearch
from models.schedule import Schedule, ScheduleError, Slot
from models.simple_schedule import default_schedule, simple_form, simple_lines
from webapp.resources.job_json import json_time

SLOTS_AHEAD = 5


class AskedSchedule(Protocol):
    """What a form or a JSON body says about times; None for what it leaves out."""

    @property
    def times(self) -> Sequence[str] | None: ...
    @property
    def weekdays(self) -> Sequence[str] | None: ...
    @property
    def cron(self) -> Sequence[str] | None: ...
    @property
    def time_zone(self) -> str | None: ...
    @property
    def starts_at(self) -> datetime | None: ...
    @property
    def ends_at(self) -> datetime | None: ...


def read_schedule(asked: AskedSchedule, settings: Settings, time_zone: str) -> Schedule:
    """Return what is asked for; the times this server suggests where none are named.

    Args:
        asked: times and weekdays, or cron lines, or neither.
        settings: hold the times that are suggested, and their zone.
        time_zone: the person's, for who names none.

    Raises:
        ScheduleError: names the field and says what would be right.
    """
    if asked.times is not None and asked.cron is not None:
        raise ScheduleError("schedule", "Give times or cron lines, not both.")
    if asked.weekdays is not None and asked.times is None:
        raise ScheduleError("schedule.weekdays", "Days go with times; give times too.")
    zone = asked.time_zone or time_zone
    if asked.times is not None:
        lines = simple_lines(asked.times, list(asked.weekdays or ()))
    elif asked.cron is not None:
        lines = tuple(asked.cron)
    else:
        suggested = default_schedule(settings.default_schedule)
        lines, zone = suggested.cron_lines, asked.time_zone or suggested.time_zone
    return Schedule(lines, zone, asked.starts_at, asked.ends_at)


def field_in(asked: AskedSchedule, error: ScheduleError) -> str:
    """Return which field is not right where a schedule is the whole body, e.g. `cron.0`.

    What is about the schedule as a whole is said of its lines, or of its times.
    """
    _, _, part = error.field.partition(".")
    return part or ("times" if asked.cron is None else "cron")


def schedule_json(schedule: Schedule | SavedSearch) -> dict[str, Any]:
    """Return the JSON of a schedule, or of a saved search's, understood or not."""
    simple = simple_form(schedule.cron_lines)
    times, weekdays = simple if simple is not None else (None, None)
    return {
        "cron": list(schedule.cron_lines),
        "times": None if times is None else list(times),
        "weekdays": None if weekdays is None else list(weekdays),
        "time_zone": schedule.time_zone,
        "starts_at": json_time(schedule.starts_at),
        "ends_at": json_time(schedule.ends_at),
    }


def next_slots(schedule: Schedule, now: datetime) -> list[Slot]:
    """Return the next five slots."""
    # At a leap several come at one moment, and are given together.
    return schedule.next(now, SLOTS_AHEAD)[:SLOTS_AHEAD]


def slots_json(schedule: Schedule, now: datetime) -> list[dict[str, Any]]:
    """Return the JSON of the next five slots."""
    return [
        {
            "local": slot.local.isoformat(timespec="minutes"),
            "at": json_time(slot.due_at),
            "cron_line": slot.cron_line,
            "shift": slot.shift,
        }
        for slot in next_slots(schedule, now)
    ]
