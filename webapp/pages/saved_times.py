"""The next times of a schedule, by the clocks of its person and of its zone, with what changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask_babel import gettext

from models.schedule import Schedule, Slot
from models.wall_clock import clock_changes_between
from webapp.i18n import current_language
from webapp.pages.saved_words import place_of, when_words
from webapp.pages.schedule_words import clock_change_words
from webapp.schedules import SLOTS_AHEAD, next_slots

_MOMENTS = {"en": "EEE d MMM, HH:mm", "ko": "M월 d일 (EEE) HH:mm"}
_OF_OTHER_YEARS = {"en": "EEE d MMM yyyy, HH:mm", "ko": "y년 M월 d일 (EEE) HH:mm"}
_DAYS = {"en": "EEEE d MMMM yyyy", "ko": "y년 M월 d일 EEEE"}
_WEEKDAYS = {"en": "EEE", "ko": "(EEE)"}


@dataclass(frozen=True, slots=True)
class Times:
    """What a page shows of a schedule.

    Attributes:
        words: when it runs, as a sentence begins.
        rows: of each slot its moment, by the person's clock, and by the schedule's where that is
            another.
        own_place: where the person's clock is.
        there: where the schedule's is, if that is another.
        warnings: a sentence for each change of a clock.
    """

    words: str
    rows: list[tuple[datetime, str, str | None]]
    own_place: str
    there: str | None
    warnings: list[str]


def times_of(schedule: Schedule, zone: str) -> Times:
    """Return the next five times.

    Args:
        schedule: which.
        zone: the person's.
    """
    now = datetime.now(UTC)
    slots = next_slots(schedule, now)
    has_another = schedule.time_zone != zone
    warnings = [
        clock_change_words(change, schedule.time_zone)
        for change in schedule.clock_changes(now, SLOTS_AHEAD)
    ]
    if has_another and _drifts(slots, schedule.time_zone, zone):
        warnings += _own_changes(slots, zone)
    return Times(
        words=when_words(schedule.cron_lines, schedule.time_zone),
        rows=[
            (
                slot.due_at,
                local_words(slot.due_at, zone, now),
                _there(slot.due_at, schedule.time_zone, zone) if has_another else None,
            )
            for slot in slots
        ],
        own_place=place_of(zone),
        there=place_of(schedule.time_zone) if has_another else None,
        warnings=warnings,
    )


def local_words(moment: datetime, zone: str, now: datetime) -> str:
    """Return what a zone's clock shows at a moment, with the year where it is not this one."""
    local, this_year = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).year
    formats = _MOMENTS if local.year == this_year else _OF_OTHER_YEARS
    language = current_language()
    return format_datetime(local, formats[language], locale=language)


def _there(moment: datetime, zone: str, own: str) -> str:
    """Return what the schedule's clock shows then, with the weekday where that is another."""
    local = moment.astimezone(ZoneInfo(zone))
    if local.date() == moment.astimezone(ZoneInfo(own)).date():
        return f"{local:%H:%M}"
    language = current_language()
    day = format_datetime(local, _WEEKDAYS[language], locale=language)
    return f"{day} {local:%H:%M}"


def _own_changes(slots: Sequence[Slot], zone: str) -> list[str]:
    """Return what is said where the times move by the person's own clock."""
    changes = clock_changes_between(slots[0].due_at, slots[-1].due_at, zone)
    if not changes:
        return [gettext("From then on the times are different by your own clock.")]
    language = current_language()
    return [
        gettext(
            "On %(day)s your own clock, in %(place)s, changes: from then on the times are "
            "different by it.",
            day=format_datetime(at.astimezone(ZoneInfo(zone)), _DAYS[language], locale=language),
            place=place_of(zone),
        )
        for at, _, _ in changes
    ]


def _drifts(slots: Sequence[Slot], one: str, other: str) -> bool:
    """Whether two clocks do not stay equally far apart."""
    apart = {
        slot.due_at.astimezone(ZoneInfo(one)).replace(tzinfo=None)
        - slot.due_at.astimezone(ZoneInfo(other)).replace(tzinfo=None)
        for slot in slots
    }
    return len(apart) > 1
