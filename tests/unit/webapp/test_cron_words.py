"""What pages say of a wrong cron line: in each language, of the field that is wrong."""

from __future__ import annotations

import pytest
from flask import Flask

from models.cron import CronLineError, cron_line, tidy
from webapp.pages.saved_words import line_problem


@pytest.mark.parametrize(
    ("line", "english", "korean"),
    [
        ("61 19 * * *", "the minute, its first field, must be of 0 to 59.", "첫 번째 칸인 분은"),
        ("0 24 * * *", "the hour, its second field, must be of 0 to 23.", "두 번째 칸인 시는"),
        ("0 8 32 * *", "the day, its third field, must be of 1 to 31", "세 번째 칸인 일은"),
        ("0 8 * 13 *", "the month, its fourth field, must be of 1 to 12", "네 번째 칸인 월은"),
        ("0 8 * * 8", "the weekday, its fifth field, must be of 0 to 7", "다섯 번째 칸인 요일은"),
        ("0 8 * * FRI-MON", "the weekday, its fifth field", "다섯 번째 칸인 요일은"),
        ("0 8 * *", "and has 4.", "다섯 칸이어야 하는데 4칸이에요."),
        ("0 0 8 * * *", "and has 6.", "다섯 칸이어야 하는데 6칸이에요."),
        ("@daily", "names with @ are written out here, such as 0 0 * * *.", "예: 0 0 * * *"),
        ("@Weekly", "names with @ are written out here, such as 0 0 * * 0.", "예: 0 0 * * 0"),
        ("@reboot", "names with @ are written out here, such as 0 0 * * *.", "@로 시작하는 이름은"),
        ("# every day", "this is a comment. Leave it out", "#로 시작하는 줄은 cron 줄이 아니에요."),
        ("0 8 ? * *", "it may hold digits, names such as MON", "숫자, MON 같은 이름"),
        ("5-5/10 8 * * *", "a step needs a range of more than one", "/ 앞에는 값이 둘 이상인 범위"),
        ("0 8 31 2 *", "it never comes: none of its months has that day.", "그달에는 그날이"),
        ("0 8 */30 2 MON#2", "it never comes: no date has what it asks for.", "오지 않는 시각"),
        ("0 8 * * 1" + ",1" * 130, "it may have 250 characters at most.", "250자까지"),
    ],
)
def test_each_fault_is_said_in_both_languages(
    app: Flask, line: str, english: str, korean: str
) -> None:
    with pytest.raises(CronLineError) as wrong:
        cron_line(tidy(line))
    for language, place, words in (("en", "Line 2: ", english), ("ko", "2번째 줄: ", korean)):
        with app.test_request_context(headers={"Accept-Language": language}):
            said = line_problem(1, wrong.value)
        assert said.startswith(place) and words in said
        if language == "en":
            assert said.removeprefix(place)[0].islower()
