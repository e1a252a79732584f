"""When a person's own clock says that nobody should be texted, and when their day began."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS_AHEAD = 3
_SECOND = timedelta(seconds=1)


def quiet_until(now: datetime, zone: str, hours: str) -> datetime | None:
    """Return when the quiet hours end that `now` lies in; None if it does not.

    Args:
        now: any moment, with its zone.
        zone: the person's, e.g. Asia/Seoul; UTC for one nobody knows.
        hours: start and end by the clock there, e.g. `21:00-09:00`; the same twice is never.
    """
    where = zone_of(zone)
    start, end = map(time.fromisoformat, hours.split("-"))
    local = now.astimezone(where)
    clock = local.time()
    is_quiet = start <= clock < end if start <= end else clock >= start or clock < end
    if not is_quiet:
        return None
    days = (local.date() + timedelta(days=more) for more in range(_DAYS_AHEAD))
    return min(at for day in days for at in _moments(day, end, where) if at > now)


def day_began(now: datetime, zone: str) -> datetime:
    """Return the first moment of the day that `now` lies in, by the person's clock."""
    where = zone_of(zone)
    return _moments(now.astimezone(where).date(), time(), where)[0]


def zone_of(name: str) -> tzinfo:
    """Return a zone by its name in the tz database; UTC for one that is not there."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _moments(day: date, clock: time, where: tzinfo) -> list[datetime]:
    """Return when a clock shows this: once, twice, or where it leaps over this, at the leap."""
    shown = datetime.combine(day, clock)
    either = sorted({shown.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1)})
    real = [at for at in either if at.astimezone(where).replace(tzinfo=None) == shown]
    return real or [_leap(either[0], either[-1], where)]


def _leap(before: datetime, after: datetime, where: tzinfo) -> datetime:
    """Return the second between two moments at which the clock leaps."""
    offset = before.astimezone(where).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(where).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
