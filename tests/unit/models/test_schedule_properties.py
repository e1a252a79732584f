"""What holds for every schedule, in every zone, at every moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cron import Calendar, CronLineError, cron_line, tidy
from models.schedule import Schedule
from models.simple_schedule import WEEKDAYS, simple_form, simple_lines
from models.wall_clock import clock_changes_between

DAY = timedelta(days=1)
ZONES = ("Europe/London", "Europe/Dublin", "America/New_York", "America/Santiago", "Asia/Seoul",
         "Australia/Sydney", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
         "America/Sao_Paulo", "Asia/Tehran", "Antarctica/Troll", "Pacific/Kwajalein",
         "Asia/Pyongyang", "America/Caracas", "Africa/Monrovia", "UTC")  # fmt: skip


def numbers(first: int, last: int) -> st.SearchStrategy[str]:
    """Return fields of cron: any, lists, ranges and steps."""
    number = st.integers(first, last)
    return st.one_of(
        st.just("*"),
        st.integers(2, last).map("*/{}".format),
        st.lists(number, min_size=1, max_size=3).map(lambda n: ",".join(map(str, n))),
        st.tuples(number, number).filter(lambda n: n[0] < n[1]).map("{0[0]}-{0[1]}".format),
    )


EVERYDAY_LINES = st.tuples(numbers(0, 59), numbers(0, 23)).map("{0[0]} {0[1]} * * *".format)
LINES = st.tuples(
    numbers(0, 59), numbers(0, 23), numbers(1, 28), numbers(1, 12), numbers(0, 7)
).map(" ".join)
SCHEDULES = st.builds(
    Schedule,
    st.lists(st.one_of(EVERYDAY_LINES, EVERYDAY_LINES, LINES), min_size=1, max_size=3).map(tuple),
    st.sampled_from(ZONES),
)


@st.composite
def moments_near_changes(draw: st.DrawFn, zone: str) -> list[datetime]:
    """Return some moments in order, most of them around a change of a zone's clock."""
    year = draw(st.integers(1969, 2040))
    changes = clock_changes_between(
        datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), zone
    )
    middle = draw(
        st.sampled_from([change[0] for change in changes] or [datetime(year, 6, 1, tzinfo=UTC)])
    )
    near = st.one_of(
        st.integers(-8, 8).map(lambda n: n * timedelta(minutes=30)),
        st.integers(-200_000, 200_000).map(lambda n: timedelta(seconds=n)),
    )
    found = draw(st.lists(near, min_size=3, max_size=8, unique=True))
    return sorted(middle + distance for distance in found)


@settings(deadline=None, max_examples=300)
@given(SCHEDULES, st.data())
def test_windows_one_after_the_other_find_what_one_window_does(
    schedule: Schedule, data: st.DataObject
) -> None:
    """Whatever the moments between: nothing is missed, nothing comes twice."""
    moments = data.draw(moments_near_changes(schedule.time_zone))
    first, last = moments[0], moments[-1]
    whole = schedule.slots(first, last, most=10_000)
    parts = [schedule.slots(a, b, most=10_000) for a, b in pairwise(moments)]
    assert [slot for part in parts for slot in part] == whole
    assert len({slot.key for slot in whole}) == len(whole)
    assert len({slot.local for slot in whole}) == len(whole)
    # So do steps from each moment that has slots to the next, and small helpings.
    steps, after = [], first
    while (found := schedule.next(after)) and found[0].due_at <= last and len(steps) < 50:
        steps += found
        after = found[-1].due_at
    assert steps == whole[: len(steps)]
    assert schedule.slots(first, last, most=3)[:3] == whole[:3]


@settings(deadline=None, max_examples=300)
@given(SCHEDULES, st.data())
def test_slots_come_in_order_and_none_before_the_wall_shows_it(
    schedule: Schedule, data: st.DataObject
) -> None:
    """A second before, the wall shows less; then it shows just that, or has leapt over it."""
    where = ZoneInfo(schedule.time_zone)
    start, *_, end = data.draw(moments_near_changes(schedule.time_zone))
    slots = schedule.slots(start, end, most=10_000)
    for slot, following in pairwise(slots):
        assert slot.due_at <= following.due_at
        assert slot.local < following.local
    for slot in slots[:50]:
        shown, just_before = (
            moment.astimezone(where).replace(tzinfo=None)
            for moment in (slot.due_at, slot.due_at - timedelta(seconds=1))
        )
        assert just_before < slot.local <= shown
        assert (shown > slot.local) <= (slot.shift == "skipped")


@settings(deadline=None, max_examples=150)
@given(SCHEDULES, st.data())
def test_no_local_time_that_a_line_names_is_missing(
    schedule: Schedule, data: st.DataObject
) -> None:
    """Of whole local days, every time that cronsim finds for a line, without any zone."""
    middle = data.draw(moments_near_changes(schedule.time_zone))[1]
    first = middle.astimezone(ZoneInfo(schedule.time_zone)).replace(tzinfo=None, minute=0, second=0)
    wanted = set()
    for line in schedule.cron_lines:
        found = iter(CronSim(line, first))
        while (shown := next(found)) < first + DAY:
            wanted.add(shown)
    slots = schedule.slots(middle - 2 * DAY, middle + 3 * DAY, most=20_000)
    assert {slot.local for slot in slots if first < slot.local < first + DAY} == wanted


@settings(deadline=None, max_examples=200)
@given(LINES, st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001
def test_the_calendar_of_a_line_is_cronsims(line: str, after: datetime) -> None:
    """Found day by day instead of minute by minute."""
    ours, theirs = Calendar((cron_line(line),)).after(after), CronSim(line, after)
    assert [next(ours)[0] for _ in range(20)] == [next(theirs) for _ in range(20)]


@settings(deadline=None)
@given(st.text("0123456789*,/-#LW MONSU", min_size=9, max_size=20))
def test_no_text_is_more_than_a_wrong_line(text: str) -> None:
    """It is understood, or refused with a sentence."""
    try:
        line = cron_line(tidy(text))
    except CronLineError as error:
        assert str(error).endswith(".")
    else:
        assert Calendar((line,)).shortest_gap(date(2026, 1, 1)) > timedelta(0)


@given(
    st.lists(
        st.times().map(lambda clock: f"{clock:%H:%M}"), min_size=1, max_size=12, unique=True
    ).map(sorted),
    st.lists(st.sampled_from(list(WEEKDAYS)), unique=True, max_size=6),
)
def test_times_and_weekdays_come_back_as_they_were(times: list[str], weekdays: list[str]) -> None:
    """In order."""
    ordered = [day for day in WEEKDAYS if day in weekdays]
    assert simple_form(simple_lines(times, weekdays)) == (times, ordered)
