"""Times and weekdays as people give them, and the cron lines that say the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from models.schedule import ScheduleError
from models.simple_schedule import simple_form, simple_lines


@pytest.mark.parametrize(
    ("times", "weekdays", "lines"),
    [
        (["08:00"], [], ("0 8 * * *",)),
        (["16:45", "8:00", "08:00"], [], ("0 8 * * *", "45 16 * * *")),
        (["09:00"], ["fri", "mon"], ("0 9 * * 1,5",)),
        (["09:00"], ["mon", "tue", "wed", "thu", "fri"], ("0 9 * * 1-5",)),
        (["09:00"], ["sun", "sat"], ("0 9 * * 6,0",)),
        (["09:00"], ["sun", "sat", "mon", "tue", "wed", "thu", "fri"], ("0 9 * * *",)),
        (["00:00", "23:59"], [" Mon "], ("0 0 * * 1", "59 23 * * 1")),
    ],
)
def test_each_time_is_one_line(
    times: list[str], weekdays: list[str], lines: tuple[str, ...]
) -> None:
    """In the order of the day."""
    assert simple_lines(times, weekdays) == lines


@pytest.mark.parametrize(
    ("times", "weekdays", "part", "told"),
    [
        (["08:00", "24:00"], [], "times.1", "from 00:00 to 23:59, e.g. 08:00"),
        (["8"], [], "times.0", "e.g. 08:00"),
        (["08:00:00"], [], "times.0", "e.g. 08:00"),
        (["\N{FULLWIDTH DIGIT ZERO}8:00"], [], "times.0", "e.g. 08:00"),
        ([], [], "times", "1 to 12 times"),
        ([f"{hour:02}:00" for hour in range(13)], [], "times", "1 to 12 times"),
        (["08:00"], ["mon", "monday"], "weekdays.1", "mon, tue, wed, thu, fri, sat, sun"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(
    times: list[str], weekdays: list[str], part: str, told: str
) -> None:
    """By its place in the list."""
    with pytest.raises(ScheduleError, match=told) as raised:
        simple_lines(times, weekdays)
    assert raised.value.field == f"schedule.{part}"


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        (["0 8,10 * * *", "45 16 * * *"], (["08:00", "10:00", "16:45"], [])),
        (["0 9 * * MON,FRI"], (["09:00"], ["mon", "fri"])),
        (["0 9 * * 0", "0 10 * * 7"], (["09:00", "10:00"], ["sun"])),
        (["0 9 * * 0-6"], (["09:00"], [])),
        (["*/30 9 * * 1-5"], (["09:00", "09:30"], ["mon", "tue", "wed", "thu", "fri"])),
        # The first of a month, some months, the second Monday, the last Friday, too many, unlike.
        (["0 9 1 * *"], None),
        (["0 9 1-31 * MON"], None),
        (["0 9 * 1 *"], None),
        (["0 9 * * MON#2"], None),
        (["0 9 * * 5L"], None),
        (["*/15 * * * *"], None),
        (["0 0-6 * * *", "0 7-13 * * *"], None),
        (["0 9 * * 1", "0 10 * * 2"], None),
        (["nine o'clock"], None),
        ([], None),
    ],
)
def test_simple_lines_are_known_by_what_they_mean(
    lines: Sequence[str], form: tuple[list[str], list[str]] | None
) -> None:
    """Not by how they are written."""
    assert simple_form(lines) == form
