"""When a saved search runs, and what the clock will do, in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from models.schedule import Schedule
from webapp.pages.saved_times import local_words
from webapp.pages.schedule_words import clock_change_words, schedule_words


@pytest.mark.parametrize(
    ("lines", "english", "korean"),
    [
        (["0 8 * * *"], "every day at 08:00", "매일 08:00"),
        (
            ["0 14 * * *", "0 8 * * *", "0 10 * * *"],
            "every day at 08:00, 10:00 and 14:00",
            "매일 08:00, 10:00, 14:00",
        ),
        (["0 9 * * 1,5"], "Mondays and Fridays at 09:00", "매주 월요일, 금요일 09:00"),
        (["0 9 * * 0"], "Sundays at 09:00", "매주 일요일 09:00"),
        (["0 9 * * 1-5"], "weekdays at 09:00", "평일 09:00"),
        (["0 9,10 * * 6,0"], "weekends at 09:00 and 10:00", "주말 09:00, 10:00"),
        (
            ["0 9 * * 1-5", "30 10 * * SAT"],
            "weekdays at 09:00; Saturdays at 10:30",
            "평일 09:00; 매주 토요일 10:30",
        ),
        (["*/10 * * * *"], "*/10 * * * *", "*/10 * * * *"),
        (["0 9 1 * *", "0 8 * * *"], "every day at 08:00; 0 9 1 * *", "매일 08:00; 0 9 1 * *"),
        (["0 0-11 * * *", "0 12 * * *"], None, None),
    ],
)
def test_times_are_said_as_people_do(
    app: Flask, lines: list[str], english: str | None, korean: str | None
) -> None:
    """What has no words is shown as it is."""
    for language, expected in (("en", english), ("ko", korean)):
        with app.test_request_context(headers={"Accept-Language": language}):
            said = schedule_words(lines)
        assert said == expected if expected else said.endswith("; 0 12 * * *")


@pytest.mark.parametrize(
    ("line", "zone", "now", "english", "korean"),
    [
        (
            "30 1 * * *",
            "Europe/London",
            "2026-03-27",
            "On Sunday 29 March 2026 at 01:00 the clocks in London go forward to 02:00. "
            "01:30 does not come then; it runs at 02:00 instead.",
            "런던에서는 2026년 3월 29일 일요일 01:00에 시계가 앞으로 가요. 01:00 → 02:00. "
            "그때 없는 시각(01:30)의 검색은 대신 02:00에 해요.",
        ),
        (
            "15,30 1 * * *",
            "Europe/London",
            "2026-10-24",
            "On Sunday 25 October 2026 at 02:00 the clocks in London go back to 01:00. "
            "01:15 and 01:30 come twice then; they run the first time only.",
            None,
        ),
        (
            "0 8 * * *",
            "America/Santiago",
            "2026-04-03",
            "On Sunday 5 April 2026 at 00:00 the clocks in Santiago go back to 23:00 on Saturday "
            "4 April 2026. The times stay as the clock there shows them.",
            None,
        ),
    ],
)
def test_a_change_of_the_clock_is_told_before_saving(
    app: Flask, line: str, zone: str, now: str, english: str, korean: str | None
) -> None:
    """When, where to, and what becomes of the slots that it touches."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    (change,) = Schedule((line,), zone).clock_changes(moment)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert clock_change_words(change, zone) == english
    with app.test_request_context(headers={"Accept-Language": "ko"}):
        said = clock_change_words(change, zone)
    assert said == korean if korean else "요." in said and "the" not in said


def test_a_time_of_another_year_says_which(app: Flask) -> None:
    """By the clock of its reader, however near it is."""
    now = datetime(2026, 12, 31, 14, tzinfo=UTC)
    wanted = {
        "en": ("Thu 31 Dec, 23:30", "Fri 1 Jan 2027, 00:30", "Thu 1 Jan, 09:00"),
        "ko": ("12월 31일 (목) 23:30", "2027년 1월 1일 (금) 00:30", "1월 1일 (목) 09:00"),
    }
    moments = (
        datetime(2026, 12, 31, 14, 30, tzinfo=UTC),
        datetime(2026, 12, 31, 15, 30, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    for language, expected in wanted.items():
        with app.test_request_context(headers={"Accept-Language": language}):
            assert tuple(local_words(one, "Asia/Seoul", now) for one in moments) == expected
            in_london = local_words(moments[1], "Europe/London", now)
        assert "2027" not in in_london
