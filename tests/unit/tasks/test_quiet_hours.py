"""When nobody should be texted, by the person's own clock and by all its oddities."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quiet_hours import day_began, quiet_until

NIGHT = "21:00-09:00"


def at(words: str, zone: str = "UTC", fold: int = 0) -> datetime:
    """Return a moment by the clock of a zone."""
    return datetime.fromisoformat(words).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        ("2026-03-02T20:59:59", "Asia/Seoul", None),
        ("2026-03-02T21:00", "Asia/Seoul", "2026-03-03T09:00"),
        ("2026-03-02T23:30", "Asia/Seoul", "2026-03-03T09:00"),
        ("2026-03-03T00:00", "Asia/Seoul", "2026-03-03T09:00"),
        ("2026-03-03T08:59:59", "Asia/Seoul", "2026-03-03T09:00"),
        ("2026-03-03T09:00", "Asia/Seoul", None),
        # The night the clock goes forward is an hour shorter, and back an hour longer.
        ("2026-03-28T23:00", "Europe/Berlin", "2026-03-29T09:00"),
        ("2026-10-24T23:00", "Europe/Berlin", "2026-10-25T09:00"),
        ("2026-03-07T22:00", "America/New_York", "2026-03-08T09:00"),
    ],
)
def test_the_night_is_the_persons_own(now: str, zone: str, until: str | None) -> None:
    """Whatever the server's zone is."""
    expected = None if until is None else at(until, zone)
    assert quiet_until(at(now, zone).astimezone(UTC), zone, NIGHT) == expected


def test_an_end_that_the_clock_leaps_over_is_the_leap() -> None:
    """In Berlin 02:30 did not exist on that day: 01:59:59 was followed by 03:00."""
    until = quiet_until(at("2026-03-29T01:00", "Europe/Berlin"), "Europe/Berlin", "21:00-02:30")
    assert until == at("2026-03-29T03:00", "Europe/Berlin")


def test_an_end_that_comes_twice_ends_the_hour_it_is_in() -> None:
    """In Berlin 02:30 came twice on that day; between, at the second 02:00, it was quiet again."""
    zone, hours = "Europe/Berlin", "21:00-02:30"
    first, second = (at("2026-10-25T02:30", zone, fold) for fold in (0, 1))
    for quiet, until in (
        (at("2026-10-25T02:10", zone), first),
        (at("2026-10-25T02:10", zone, 1), second),
    ):
        assert quiet_until(quiet.astimezone(UTC), zone, hours) == until.astimezone(UTC)


def test_a_day_that_was_left_out_ends_at_the_leap() -> None:
    """Samoa had no 30th of December in 2011."""
    until = quiet_until(at("2011-12-29T22:00", "Pacific/Apia"), "Pacific/Apia", NIGHT)
    assert until == at("2011-12-31T00:00", "Pacific/Apia")


@pytest.mark.parametrize(
    ("hours", "now", "is_quiet"),
    [
        ("00:00-00:00", "00:00", False),
        ("00:00-00:00", "12:00", False),
        ("13:00-15:00", "14:59", True),
        ("13:00-15:00", "15:00", False),
        ("13:00-15:00", "12:59", False),
    ],
)
def test_hours_within_a_day_and_none_at_all(hours: str, now: str, is_quiet: bool) -> None:
    """Start before end is by day; the same twice is never."""
    assert (quiet_until(at(f"2026-05-05T{now}"), "UTC", hours) is not None) is is_quiet


def test_a_zone_nobody_knows_is_utc() -> None:
    """A row from an older release or another tz database."""
    for name in ("Atlantis/Poseidonis", "", "../../etc/passwd"):
        assert quiet_until(at("2026-05-05T22:00"), name, NIGHT) == at("2026-05-06T09:00")


def test_a_day_begins_at_its_first_moment() -> None:
    """Where the clock leaps at midnight, that is 01:00."""
    assert day_began(at("2026-05-05T14:59"), "Asia/Seoul") == at("2026-05-05T00:00", "Asia/Seoul")
    assert day_began(at("2026-05-05T15:00"), "Asia/Seoul") == at("2026-05-06T00:00", "Asia/Seoul")
    leap = at("2018-11-04T12:00", "America/Sao_Paulo")
    assert day_began(leap, "America/Sao_Paulo") == at("2018-11-04T01:00", "America/Sao_Paulo")


CLOCK = st.times().map(lambda clock: time(clock.hour, clock.minute))
ZONES = ("Asia/Seoul", "Europe/Berlin", "America/New_York", "America/Sao_Paulo",
         "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC")  # fmt: skip


@given(
    st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(ZONES),
    CLOCK,
    CLOCK,
)
def test_quiet_is_what_the_clock_on_the_wall_says(
    now: datetime, zone: str, start: time, end: time
) -> None:
    """At the end the wall shows just that, or has leapt; a second before it was quiet."""
    hours = f"{start:%H:%M}-{end:%H:%M}"

    def shows_quiet(moment: datetime) -> bool:
        clock = moment.astimezone(ZoneInfo(zone)).time()
        return start <= clock < end if start <= end else clock >= start or clock < end

    until = quiet_until(now, zone, hours)
    assert (until is not None) is shows_quiet(now)
    if until is not None:
        assert now < until < now + timedelta(hours=50)
        assert shows_quiet(until - timedelta(seconds=1))
        after, before = (
            moment.astimezone(ZoneInfo(zone)) for moment in (until, until - timedelta(seconds=1))
        )
        assert after.time() == end or after.utcoffset() != before.utcoffset()
