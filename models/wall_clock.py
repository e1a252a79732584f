"""From what a clock on the wall shows to the moment it does, and when that clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Shift = Literal["skipped", "repeated"]

_SECOND = timedelta(seconds=1)
_ONE_DAY = timedelta(days=1)


def first_moment(local: datetime, where: ZoneInfo) -> tuple[datetime, Shift | None]:
    """Return when a clock shows this for the first time, in UTC, or leaps over it.

    Later local times have later moments, or the same where the clock leaps over both.

    Args:
        local: without a zone.
        where: the zone of the clock.

    Returns:
        The moment, and `skipped` where the clock leaps over it (then the moment of the leap),
        `repeated` where it shows it twice (then the first of them), else None.
    """
    offset = _offset(local, where, 0)
    other = _offset(local, where, 1)
    if offset == other:
        return (local - offset).replace(tzinfo=UTC), None
    if offset > other:
        return (local - offset).replace(tzinfo=UTC), "repeated"
    # Where there is no such time, the offset before the leap is the one that is taken for fold 0.
    before, after = (local - either for either in (other, offset))
    return _change(before.replace(tzinfo=UTC), after.replace(tzinfo=UTC), where), "skipped"


def clock_changes_between(
    start: datetime, end: datetime, zone: str
) -> list[tuple[datetime, timedelta, timedelta]]:
    """Return each change of a zone's offset with start < moment <= end: moment, before, after."""
    years = range(start.astimezone(UTC).year, end.astimezone(UTC).year + 1)
    return [change for year in years for change in _changes(zone, year) if start < change[0] <= end]


@lru_cache(maxsize=1024)
def _changes(zone: str, year: int) -> tuple[tuple[datetime, timedelta, timedelta], ...]:
    where, found = ZoneInfo(zone), []
    at = datetime(year, 1, 1, tzinfo=UTC) - _SECOND
    while at.year <= year:
        later = at + _ONE_DAY
        before, after = (moment.astimezone(where).utcoffset() for moment in (at, later))
        if before != after and before is not None and after is not None:
            change = _change(at, later, where)
            if change.year == year:
                found.append((change, before, after))
        at = later
    return tuple(found)


def _offset(local: datetime, where: ZoneInfo, fold: int) -> timedelta:
    return local.replace(tzinfo=where, fold=fold).utcoffset() or timedelta()


def _change(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """Return the second between two moments from which on the offset is another."""
    offset = before.astimezone(where).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(where).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
