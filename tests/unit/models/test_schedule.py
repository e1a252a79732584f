"""Slots of a schedule: each local time once, whatever the clock of its zone does."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from models.schedule import Schedule, ScheduleError, Slot
from models.simple_schedule import simple_lines

DEFAULT_TIMES = ("08:00", "10:00", "14:00", "16:00", "16:45", "22:00")
EARLY_TIMES = ("00:30", "01:30", "02:30")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

# The local days on which the clock is changed, in 2026 and 2027. At midnight two days are touched.
# Seoul's clock is left alone; those are London's days.
CHANGE_DAYS = {
    "Europe/London": ("2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"),
    "America/New_York": ("2026-03-08", "2026-11-01", "2027-03-14", "2027-11-07"),
    "Australia/Sydney": ("2026-04-05", "2026-10-04", "2027-04-04", "2027-10-03"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04", "2027-04-04", "2027-10-03"),
    "Asia/Seoul": ("2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"),
    "America/Santiago": (
        *("2026-04-04", "2026-04-05", "2026-09-06"),
        *("2027-04-03", "2027-04-04", "2027-09-05"),
    ),
    "Africa/Casablanca": ("2026-02-15", "2026-03-22", "2027-02-07", "2027-03-14"),
}


def at(words: str, zone: str = "UTC", fold: int = 0) -> datetime:
    """Return a moment by the clock of a zone."""
    return datetime.fromisoformat(words).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def local(words: str) -> datetime:
    """Return what a clock shows."""
    return datetime.fromisoformat(words)


def first_shown(shown: datetime, zone: str) -> datetime:
    """Return the first minute at which a clock on the wall shows this or more: minute by minute."""
    moment, where = (shown - 27 * timedelta(hours=1)).replace(tzinfo=UTC), ZoneInfo(zone)
    while moment.astimezone(where).replace(tzinfo=None) < shown:
        moment += MINUTE
    return moment


def swept(schedule: Schedule, start: datetime, end: datetime, rng: Random) -> list[Slot]:
    """Return what a sweep finds that comes at odd times, the moments of slots among them."""
    found: list[Slot] = []
    after = start
    while after < end:
        soon = schedule.next(after)
        until = rng.choice(
            [
                after + timedelta(seconds=rng.randint(1, 9000)),
                *(slot.due_at for slot in soon),
                *(slot.due_at - timedelta(seconds=1) for slot in soon),
            ]
        )
        until = min(max(until, after + timedelta(seconds=1)), end)
        found += schedule.slots(after, until)
        after = until
    return found


@pytest.mark.parametrize("zone", CHANGE_DAYS)
def test_each_local_slot_of_the_change_days_comes_exactly_once(zone: str) -> None:
    """At the first minute at which the wall shows it or more. Demand: 004-36"""
    schedule = Schedule(simple_lines([*DEFAULT_TIMES, *EARLY_TIMES]), zone)
    for day in CHANGE_DAYS[zone]:
        slots = swept(schedule, at(day, zone) - DAY, at(day, zone) + 3 * DAY, Random(day))
        assert len({slot.key for slot in slots}) == len(slots)
        shown = Counter(slot.local for slot in slots)
        for clock in (*DEFAULT_TIMES, *EARLY_TIMES):
            assert shown[local(f"{day}T{clock}")] == 1, (day, clock)
        for slot in slots:
            assert slot.due_at == first_shown(slot.local, zone), slot


def test_the_default_times_are_londons_in_summer_and_in_winter() -> None:
    """08:00 there is 07:00 UTC under summer time. Demand: 004-36"""
    schedule = Schedule(simple_lines(DEFAULT_TIMES), "Europe/London")
    for day, offset in (("2026-03-28", 0), ("2026-03-29", 1), ("2026-10-24", 1), ("2026-10-25", 0)):
        slots = schedule.slots(at(day, "Europe/London"), at(day, "Europe/London") + 23 * DAY / 24)
        assert [f"{slot.local:%H:%M}" for slot in slots] == list(DEFAULT_TIMES)
        for slot in slots:
            assert slot.due_at.replace(tzinfo=None) == slot.local - timedelta(hours=offset)
            assert slot.shift is None


@pytest.mark.parametrize(
    ("zone", "shown", "due", "shift"),
    [
        ("Europe/London", "2026-03-29T01:30", "2026-03-29T01:00", "skipped"),
        ("Europe/London", "2026-03-29T01:00", "2026-03-29T01:00", "skipped"),
        ("Europe/London", "2026-03-29T02:00", "2026-03-29T01:00", None),
        ("Europe/London", "2026-10-25T01:30", "2026-10-25T00:30", "repeated"),
        ("Europe/London", "2026-10-25T02:00", "2026-10-25T02:00", None),
        # Irish law has it that winter is the exception.
        ("Europe/Dublin", "2026-03-29T01:30", "2026-03-29T01:00", "skipped"),
        ("Europe/Dublin", "2026-10-25T01:30", "2026-10-25T00:30", "repeated"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00", "skipped"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30", "repeated"),
        # Half an hour only: 02:00 becomes 02:30, and 02:00 becomes 01:30.
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", "skipped"),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30", None),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", "repeated"),
        ("Australia/Lord_Howe", "2026-04-05T01:15", "2026-04-04T14:15", None),
        # At midnight: the first hour of Sunday is not there, the last of Saturday comes twice.
        ("America/Santiago", "2026-09-06T00:30", "2026-09-06T04:00", "skipped"),
        ("America/Santiago", "2026-04-04T23:30", "2026-04-05T02:30", "repeated"),
        ("America/Santiago", "2026-04-05T00:00", "2026-04-05T04:00", None),
        # Back for Ramadan, and forward after it.
        ("Africa/Casablanca", "2026-02-15T02:30", "2026-02-15T01:30", "repeated"),
        ("Africa/Casablanca", "2026-03-22T02:30", "2026-03-22T02:00", "skipped"),
        # Samoa had no 30th of December in 2011.
        ("Pacific/Apia", "2011-12-30T08:00", "2011-12-30T10:00", "skipped"),
        ("Pacific/Apia", "2011-12-30T22:00", "2011-12-30T10:00", "skipped"),
        ("Asia/Seoul", "2026-03-29T02:30", "2026-03-28T17:30", None),
    ],
)
def test_what_a_change_of_the_clock_does_to_a_slot(
    zone: str, shown: str, due: str, shift: str | None
) -> None:
    """A time that is left out comes at the leap, one that comes twice the first time."""
    line = f"{int(shown[14:16])} {int(shown[11:13])} * * *"
    slot = Slot(local(shown), line, at(due), shift)  # type: ignore[arg-type]
    schedule = Schedule((line,), zone)
    assert slot in schedule.slots(at(due) - MINUTE, at(due))
    assert slot.key == f"{shown} {line}"
    assert slot.key not in {other.key for other in schedule.slots(at(due), at(due) + 5 * DAY)}


def test_slots_that_a_leap_brings_together_all_come_and_in_the_order_of_the_day() -> None:
    """The moment of the leap is 01:00, 01:30 and 02:00 at once, whichever way one asks."""
    schedule = Schedule(("*/30 1,2 * * *",), "Europe/London")
    leap = at("2026-03-29T01:00")
    together = [(f"{slot.local:%H:%M}", slot.shift) for slot in schedule.next(leap - MINUTE)]
    assert together == [("01:00", "skipped"), ("01:30", "skipped"), ("02:00", None)]
    assert schedule.slots(leap - MINUTE, leap) == schedule.next(leap - MINUTE)
    assert schedule.slots(leap - MINUTE, leap + DAY, most=1) == schedule.next(leap - MINUTE)
    assert [slot.local for slot in schedule.next(leap)] == [local("2026-03-29T02:30")]
    assert schedule.slots(leap, leap + 29 * MINUTE) == []


def test_an_hour_that_comes_again_has_no_slots_of_its_own() -> None:
    """Whoever looks during its second time finds what comes after it."""
    schedule = Schedule(("*/20 * * * *",), "Europe/London")
    first, second = (at("2026-10-25T01:30", "Europe/London", fold) for fold in (0, 1))
    assert [slot.local for slot in schedule.next(first)] == [local("2026-10-25T01:40")]
    for moment in (at("2026-10-25T01:00"), second, at("2026-10-25T01:59:59")):
        (following,) = schedule.next(moment)
        assert (following.local, following.due_at) == (
            local("2026-10-25T02:00"),
            at("2026-10-25T02:00"),
        )


def test_a_local_time_of_two_lines_is_one_slot() -> None:
    """It is the first line's."""
    schedule = Schedule(("0 8 * * 1", "0 8 * * *", "0 8 1 * *"), "Asia/Seoul")
    slots = schedule.slots(at("2026-05-31T12:00"), at("2026-06-03T12:00"))
    assert [slot.key for slot in slots] == [
        "2026-06-01T08:00 0 8 * * 1",
        "2026-06-02T08:00 0 8 * * *",
        "2026-06-03T08:00 0 8 * * *",
    ]


def test_a_schedule_is_kept_from_its_start_up_to_its_end() -> None:
    """Both moments are part of it."""
    start, end = at("2026-05-02T08:00"), at("2026-05-04T08:00")
    schedule = Schedule(("0 8 * * *",), "UTC", start, end)
    assert [slot.due_at for slot in schedule.next(at("2026-01-01"), 9)] == [
        start,
        start + DAY,
        end,
    ]
    assert schedule.next(start - MINUTE)[0].due_at == start
    assert schedule.next(end) == []
    assert schedule.slots(at("2026-01-01"), at("2027-01-01")) == schedule.next(at("2026-01-01"), 9)


def test_lines_are_kept_in_one_form() -> None:
    """Else the same slot would have two keys."""
    schedule = Schedule((" 0  8 * *\tmon ", "0 8 * * MON", "0 9 * * *"), "UTC")
    assert schedule.cron_lines == ("0 8 * * MON", "0 9 * * *")
    assert schedule == Schedule(("0 8 * * MON", "0 9 * * *"), "UTC")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("0 8 * *", "five fields"),
        ("0 0 8 * * *", "five fields"),
        ("@daily", "five fields"),
        ("", "five fields"),
        ("0 8 * * * \N{BULLET}", "five fields"),
        ("60 8 * * *", "the minute, its first field, must be of 0 to 59"),
        ("0 24 * * *", "the hour, its second field, must be of 0 to 23"),
        ("0 8 32 * *", "the day, its third field, must be of 1 to 31"),
        ("0 8 * 13 *", "the month, its fourth field, must be of 1 to 12 or JAN to DEC"),
        ("0 8 * * 8", "the weekday, its fifth field, must be of 0 to 7"),
        ("0 8 * * FRI-MON", "the weekday"),
        ("*/0 8 * * *", "the minute"),
        ("1- 8 * * *", "the minute"),
        ("5-5/10 8 * * *", "5-59/10"),
        ("0 8 31 2 *", "never comes"),
        ("0 8 31 4,6 *", "never comes"),
        ("0 8 */30 2 MON#2", "never comes"),
        ("0 8 * * 1" + ",1" * 130, "250 characters"),
    ],
)
def test_a_wrong_line_is_named_with_what_would_be_right(lines: str, told: str) -> None:
    """By its place among the others."""
    with pytest.raises(ScheduleError, match=told) as raised:
        Schedule(("0 8 * * *", lines), "UTC")
    assert raised.value.field == "schedule.cron.1"


def test_a_wrong_schedule_is_named_with_what_would_be_right() -> None:
    """Each part by its own name."""
    daily = ("0 8 * * *",)
    now = at("2026-05-05T08:00")
    for part, told, wrong in (
        ("cron", "at least one", lambda: Schedule((), "UTC")),
        ("cron", "12 cron lines at most", lambda: Schedule(simple_lines(["08:00"]) * 13, "UTC")),
        ("time_zone", "e.g. Europe/London", lambda: Schedule(daily, "Europe/Londn")),
        ("time_zone", "Asia/Seoul", lambda: Schedule(daily, "Asia/Soul")),
        ("time_zone", "IANA", lambda: Schedule(daily, "../../etc/passwd")),
        ("time_zone", "IANA", lambda: Schedule(daily, "localtime")),
        ("time_zone", "IANA", lambda: Schedule(daily, "+09:00")),
        ("ends_at", "before the start", lambda: Schedule(daily, "UTC", now, now - MINUTE)),
        ("starts_at", "with its zone", lambda: Schedule(daily, "UTC", now.replace(tzinfo=None))),
        ("ends_at", "1970 to 9000", lambda: Schedule(daily, "UTC", None, now.replace(year=9999))),
    ):
        with pytest.raises(ScheduleError, match=told) as raised:
            wrong()
        assert raised.value.field == f"schedule.{part}"


def test_a_line_may_rest_for_years() -> None:
    """The 29th of February, and one that is a Monday; 2100 has none."""
    for line, after, day in (
        ("0 8 29 2 *", "2026-05-05", "2028-02-29"),
        ("0 8 29 2 *", "2096-05-05", "2104-02-29"),
        ("0 8 * 2 MON#5", "2016-05-05", "2044-02-29"),
        ("0 8 * 2 MON#5", "2072-05-05", "2112-02-29"),
        ("0 8 L 2 *", "2026-05-05", "2027-02-28"),
        ("0 8 * * 5L", "2026-05-05", "2026-05-29"),
    ):
        (slot,) = Schedule((line,), "UTC").next(at(after))
        assert slot.due_at == at(f"{day}T08:00")


@pytest.mark.parametrize(
    ("lines", "minutes"),
    [
        (("0 8 * * *",), 24 * 60),
        (("0 8 * * *", "45 16 * * *"), 8 * 60 + 45),
        (("*/5 * * * *",), 5),
        (("0 0 * * *", "58 23 * * *"), 2),
        # Only where a Monday is the first of a month.
        (("0 8 * * MON", "3 8 1 * *"), 3),
        (("0 0 1 * *",), 28 * 24 * 60),
        (("0 0 1 1 *",), 365 * 24 * 60),
        (("0 0 29 2 *",), 366 * 24 * 60),
        (("0 0 29 2 *", "7 0 29 2 *"), 7),
    ],
)
def test_the_shortest_gap_is_that_of_a_year_by_the_clock(
    lines: tuple[str, ...], minutes: int
) -> None:
    """What brings two slots closer for once, a leap, does not count."""
    for zone in ("UTC", "Europe/London", "Pacific/Apia"):
        gap = Schedule(lines, zone).shortest_gap(at("2026-01-01T00:00"))
        assert gap == timedelta(minutes=minutes)


def test_a_change_of_the_clock_before_the_last_of_five_slots_is_told() -> None:
    """With its day, its direction and the slots that it touches."""
    schedule = Schedule(("30 1 * * *",), "Europe/London")
    (change,) = schedule.clock_changes(at("2026-03-27T12:00"))
    assert (change.at, change.direction, change.day) == (
        at("2026-03-29T01:00"),
        "forward",
        local("2026-03-29").date(),
    )
    assert (change.shown_before, change.shown_after) == (
        local("2026-03-29T01:00"),
        local("2026-03-29T02:00"),
    )
    assert [slot.local for slot in change.slots] == [local("2026-03-29T01:30")]
    (change,) = schedule.clock_changes(at("2026-10-21T12:00"))
    assert (change.direction, change.offset_before, change.offset_after) == (
        "back",
        timedelta(hours=1),
        timedelta(0),
    )
    assert [slot.local for slot in change.slots] == [local("2026-10-25T01:30")]
    # The last of the five comes before its second time does.
    assert schedule.next(at("2026-10-20T12:00"), 5)[-1].due_at == at("2026-10-25T00:30")
    assert schedule.clock_changes(at("2026-10-20T12:00")) == [change]
    assert schedule.clock_changes(at("2026-10-19T12:00")) == []
    assert schedule.clock_changes(at("2026-10-25T01:00")) == []


def test_a_change_that_touches_no_slot_is_told_too() -> None:
    """The person's own clock may be another, which does not go along."""
    schedule = Schedule(("0 8 * * *",), "Europe/London")
    (change,) = schedule.clock_changes(at("2026-03-27T12:00"))
    assert change.slots == ()
    assert Schedule(("0 8 * * *",), "Asia/Seoul").clock_changes(at("2026-03-27T12:00")) == []
    # One that comes on the 29th of February is told about the next two years.
    leap_days = Schedule(("0 8 29 2 *",), "Europe/London").clock_changes(at("2026-01-15"))
    assert [change.at.year for change in leap_days] == [2026, 2026, 2027, 2027]
    days = [
        change.day.isoformat()
        for change in Schedule(("0 8 1 * *",), "Africa/Casablanca").clock_changes(at("2026-01-15"))
    ]
    assert days == ["2026-02-15", "2026-03-22"]


def test_a_change_before_the_start_or_after_the_end_is_not_told() -> None:
    """It touches none of the times; one at the very start does, and one between the times."""
    line, now = ("30 1 * * *",), at("2026-03-01T12:00")

    def told(starts: str | None, ends: str | None) -> list[datetime]:
        schedule = Schedule(line, "Europe/London", starts and at(starts), ends and at(ends))
        return [change.at for change in schedule.clock_changes(now)]

    forward, back = at("2026-03-29T01:00"), at("2026-10-25T01:00")
    assert told("2026-04-10T00:00", None) == []
    assert told("2026-03-29T01:00", None) == told("2026-03-28T00:00", None) == [forward]
    assert told("2026-10-22T00:00", "2026-10-26T00:00") == [back]
    assert told("2026-10-22T00:00", "2026-10-25T00:45") == []
    # However far ahead the start is.
    assert told("2029-03-24T00:00", None) == [at("2029-03-25T01:00")]
