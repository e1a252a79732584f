"""When something is to happen again and again: lines of cron by the clock of one zone.

The local calendar is walked without any zone; then each local time becomes one moment. One that
the clock leaps over comes at the leap, the next minute that exists; one that the clock shows twice
comes the first time. So every local time comes once, whatever the clock does.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import takewhile
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from models.cron import Calendar, CronLineError, calendar_of, cron_line, tidy
from models.errors import TextbackError
from models.wall_clock import Shift, clock_changes_between, first_moment

MOST_LINES = 12
MOST_SLOTS = 1000
_TICK = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)
# Files of a zone database that are the name of no place's clock.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
_ZONE_CHARACTERS = 64
# Neither zone nor database can overflow within these.
_YEARS = range(1970, 9001)
_MOMENT = (
    "This must be a moment with its zone, of the years 1970 to 9000, e.g. 2026-03-29T08:00+09:00."
)
# A change that is further ahead is no news to anybody.
_CHANGES_AHEAD = timedelta(days=731)
# Of a timeline the last few moments that somebody asked for: a sweep asks for those that were due
# and for the one after them, over and over, as people share most schedules.
_MOMENTS_KEPT = 4


class ScheduleError(TextbackError):
    """Something about a schedule is not right."""

    def __init__(self, name: str, message: str) -> None:
        """Keep which part is wrong, e.g. `schedule.cron.0`, and what would be right."""
        super().__init__(message)
        self.field = name


@dataclass(frozen=True, slots=True)
class Slot:
    """One time of a schedule: what the clock shows, the line that names it, and when that is."""

    local: datetime
    cron_line: str
    due_at: datetime
    # What the clock does with this local time, if anything.
    shift: Shift | None = None

    @property
    def key(self) -> str:
        """Return what no other slot of the schedule has, e.g. `2026-03-29T01:30 30 1 * * *`."""
        return f"{self.local.isoformat(timespec='minutes')} {self.cron_line}"


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A change of a zone's clock that lies ahead, and the coming slots that it touches."""

    at: datetime
    offset_before: timedelta
    offset_after: timedelta
    slots: tuple[Slot, ...] = ()

    @property
    def direction(self) -> Literal["forward", "back"]:
        """Return where the hands go."""
        return "forward" if self.offset_after > self.offset_before else "back"

    @property
    def shown_before(self) -> datetime:
        """Return what the clock would show now, without a zone."""
        return self.at.replace(tzinfo=None) + self.offset_before

    @property
    def shown_after(self) -> datetime:
        """Return what it shows instead."""
        return self.at.replace(tzinfo=None) + self.offset_after

    @property
    def day(self) -> date:
        """Return the local day of it; that of the morning where it is at midnight."""
        return self.shown_before.date()

    def touches(self, slot: Slot) -> bool:
        """Whether the clock leaps over this slot's local time by it, or shows it again after."""
        if slot.shift == "skipped":
            return slot.due_at == self.at
        return slot.shift == "repeated" and self.shown_after <= slot.local < self.shown_before


@dataclass(frozen=True, slots=True)
class Schedule:
    """Lines of cron by the clock of a zone, from a moment on and up to another, both included.

    Args:
        cron_lines: 1 to 12 lines of five fields; kept in upper case, each once.
        time_zone: a name of the IANA database, e.g. Asia/Seoul.
        starts_at: with a zone; no slot is due before it.
        ends_at: with a zone; no slot is due after it.

    Raises:
        ScheduleError: with the field that is not right.
    """

    cron_lines: tuple[str, ...]
    time_zone: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    _timeline: _Timeline = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check everything, so that no schedule is wrong."""
        if not self.cron_lines:
            raise ScheduleError("schedule.cron", "Give at least one cron line, e.g. 0 8 * * *.")
        if len(self.cron_lines) > MOST_LINES:
            raise ScheduleError("schedule.cron", f"Give {MOST_LINES} cron lines at most.")
        lines = tuple(dict.fromkeys(map(tidy, self.cron_lines)))
        for n, line in enumerate(self.cron_lines):
            try:
                cron_line(tidy(line))
            except CronLineError as error:
                raise ScheduleError(f"schedule.cron.{n}", str(error)) from None
        check_zone(self.time_zone)
        for name in ("starts_at", "ends_at"):
            moment = getattr(self, name)
            if moment is not None and (moment.tzinfo is None or moment.year not in _YEARS):
                raise ScheduleError(f"schedule.{name}", _MOMENT)
        check_order(self.starts_at, self.ends_at)
        object.__setattr__(self, "cron_lines", lines)
        object.__setattr__(self, "_timeline", _timeline_of(lines, self.time_zone))

    def slots(self, after: datetime, until: datetime, most: int = MOST_SLOTS) -> list[Slot]:
        """Return the slots with after < due_at <= until, in the order of `due_at`, then of `local`.

        Args:
            after: with a zone.
            until: with a zone.
            most: so many, and those of the last one's very moment too, so that to go on after
                its `due_at` leaves none out.
        """
        found: list[Slot] = []
        for slot in self._slots(after):
            if slot.due_at > until or _is_enough(found, slot, most):
                break
            found.append(slot)
        return found

    def next(self, after: datetime, count: int = 1) -> list[Slot]:
        """Return the next slots after a moment, in order.

        Args:
            after: with a zone.
            count: so many, and those of the last one's very moment too, as `slots` does.

        Returns:
            Fewer where the schedule ends; none after its end.
        """
        found: list[Slot] = []
        for slot in self._slots(after):
            if _is_enough(found, slot, count):
                break
            found.append(slot)
        return found

    def shortest_gap(self, now: datetime) -> timedelta:
        """Return the least time between two local times of the year that begins with the next.

        A leap that brings two slots to one moment does not count, nor do start and end.

        Returns:
            366 days if the year has fewer than two.
        """
        begins = max(now, self.starts_at) if self.starts_at else now
        timeline = self._timeline
        return timeline.calendar.shortest_gap(begins.astimezone(timeline.where).date())

    def clock_changes(self, now: datetime, count: int = 5) -> list[ClockChange]:
        """Return the changes of the zone's clock up to the last of the next slots.

        From now on, or from the start if that is later, for two years, however far the slots are
        apart; none after the end.

        Args:
            now: with a zone.
            count: of how many slots.

        Returns:
            In order, each with those of the slots that it touches.
        """
        ahead = self.next(now, count)
        if not ahead:
            return []
        last = ahead[-1].due_at
        found = []
        # One at the very start may have brought a slot there.
        begin = max(now, self.starts_at - _TICK) if self.starts_at else now
        # The clock shows a last slot's time again soon after it.
        end = min(last + _ONE_DAY, begin + _CHANGES_AHEAD, self.ends_at or last + _ONE_DAY)
        for at, before, after in clock_changes_between(begin, end, self.time_zone):
            bare = ClockChange(at, before, after)
            touched = tuple(slot for slot in ahead if bare.touches(slot))
            if touched or at <= last:
                found.append(ClockChange(at, before, after, touched))
        return found

    def _slots(self, after: datetime) -> Iterator[Slot]:
        if self.starts_at is not None and self.starts_at > after:
            after = self.starts_at - _TICK
        for slot in self._timeline.after(after):
            if self.ends_at is not None and slot.due_at > self.ends_at:
                return
            yield slot


@dataclass(slots=True)
class _Timeline:
    """The slots of some lines in a zone, without beginning or end; schedules share it."""

    calendar: Calendar
    where: ZoneInfo
    # Newest first: a moment, and the slots of the next moment after it that has any.
    _kept: tuple[tuple[datetime, tuple[Slot, ...]], ...] = ()

    def after(self, moment: datetime) -> Iterator[Slot]:
        """Yield each slot that is due after a moment, in order."""
        for _ in range(2):
            together = self._next(moment)
            if not together:
                return
            yield from together
            moment = together[0].due_at
        yield from self._walk(moment)

    def _next(self, moment: datetime) -> tuple[Slot, ...]:
        """Return the slots of the next moment that has any."""
        kept = self._kept
        for since, together in kept:
            if since <= moment < together[0].due_at:
                return together
        walk = self._walk(moment)
        first = next(walk, None)
        if first is None:
            return ()
        together = (first, *takewhile(lambda slot: slot.due_at == first.due_at, walk))
        self._kept = ((moment, together), *kept[: _MOMENTS_KEPT - 1])
        return together

    def _walk(self, moment: datetime) -> Iterator[Slot]:
        """Yield each slot after a moment, found anew.

        What is due later is shown later than what the clock shows now, so the walk begins there;
        in an hour that is shown again it meets slots that were due the first time.
        """
        moment = moment.astimezone(UTC)
        for local, line in self.calendar.after(moment.astimezone(self.where).replace(tzinfo=None)):
            due_at, shift = first_moment(local, self.where)
            if due_at > moment:
                yield Slot(local, line, due_at, shift)


@lru_cache(maxsize=4096)
def _timeline_of(lines: tuple[str, ...], zone: str) -> _Timeline:
    return _Timeline(calendar_of(lines), ZoneInfo(zone))


def _is_enough(found: list[Slot], slot: Slot, most: int) -> bool:
    return len(found) >= most and (not found or found[-1].due_at != slot.due_at)


def check_zone(name: str) -> None:
    """Let no name pass that is no zone's.

    Raises:
        ScheduleError: names one that is written alike.
    """
    if name not in _zones():
        raise ScheduleError("schedule.time_zone", _no_such_zone(name))


def check_order(starts_at: datetime | None, ends_at: datetime | None) -> None:
    """Let no end pass that is before its start.

    Raises:
        ScheduleError: it is.
    """
    if starts_at and ends_at and ends_at < starts_at:
        raise ScheduleError("schedule.ends_at", "The end must not be before the start.")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_ZONES


def _no_such_zone(name: str) -> str:
    near = difflib.get_close_matches(name[:_ZONE_CHARACTERS], _zones(), 1)
    such = near[0] if near else "Europe/London or Asia/Seoul"
    return f"There is no such time zone; name one of the IANA database, e.g. {such}."
