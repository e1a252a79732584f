"""The form of a saved search: its times before it is sent, and what is wrong with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from posting_steps import words
from saved_steps import OWN, keep, kept, next_times, typed_in


def test_a_search_is_kept_fresh_by_one_tap(searched: Any, row: Any) -> None:
    """From the page of what has ended: everything is filled in, and sent as it is it is saved.

    Demand: 004-1, 004-36
    """
    person, job = searched()
    page = person.get(f"/jobs/{job}").text
    assert f'href="/saved/new?job={job}"' in page
    form = person.get(f"/saved/new?job={job}").text
    assert "Every day at 08:00, 10:00, 14:00, 16:00, 16:45 and 22:00" in words(form)
    assert "Baker · Seoul" in words(form)
    assert 'name="name" maxlength="100" autocomplete="off" value="Baker' in form
    answer = keep(person, job)
    saved_id = kept(answer)
    assert row(saved_id, "time_zone, notify, missed, missed_limit_seconds, kind") == (
        "Europe/London", "new", "once", 21600, "posting_search",
    )  # fmt: skip
    page = words(person.get(answer.headers["Location"]).text)
    assert "It is kept fresh from now on." in page
    assert "by the clock in London" in page
    assert "None of its times has come yet." in page


def test_the_next_times_are_shown_before_saving(searched: Any) -> None:
    """Five, by the person's clock and by that of the schedule. Demand: 004-36"""
    person, job = searched()
    times = next_times(person.get(f"/saved/new?job={job}").text)
    assert len(times) == 5
    for time in times:
        own, there = re.findall(r"(\d\d:\d\d)", time)
        assert time.endswith("in London")
        assert there in ("08:00", "10:00", "14:00", "16:00", "16:45", "22:00")
        ahead = (int(own[:2]) - int(there[:2])) % 24
        assert ahead in (8, 9)  # hours that Seoul is before London
    page = person.press(f"/saved/new?job={job}", "/saved", when="own", times="25:00").text
    assert next_times(page) == []


@pytest.mark.parametrize(
    ("fields", "lines", "zone", "said"),
    [
        ({"when": "morning"}, ["0 8 * * *"], "Asia/Seoul", "Every day at 08:00"),
        ({"when": "weekdays"}, ["0 8 * * 1-5"], "Asia/Seoul", "Weekdays at 08:00"),
        (
            {**OWN, "times": ["21:30", "", "07:15"], "weekdays": ["sun", "mon"]},
            ["15 7 * * 1,0", "30 21 * * 1,0"],
            "Asia/Seoul",
            "Mondays and Sundays at 07:15 and 21:30",
        ),
        ({**OWN, "times": "09:00", "time_zone": "New York"}, ["0 9 * * *"], "America/New_York",
         "by the clock in New York"),
        ({**OWN, "times": "09:00", "cron": "0 7 1 * *\n 0 7 15 * * "},
         ["0 7 1 * *", "0 7 15 * *"], "Asia/Seoul", "0 7 1 * *"),
        ({**OWN, "times": "09:00", "time_zone": ""}, ["0 9 * * *"], "Asia/Seoul", "Seoul"),
    ],
)  # fmt: skip
def test_each_choice_of_times(
    searched: Any, row: Any, fields: dict[str, Any], lines: list[str], zone: str, said: str
) -> None:
    """What is chosen is what is saved, and what its page says."""
    person, job = searched()
    saved_id = kept(keep(person, job, **fields))
    assert row(saved_id, "cron_lines, time_zone") == (lines, zone)
    page = person.get(f"/saved/{saved_id}").text
    assert said in words(page)
    times = next_times(page)
    assert len(times) == 5 and all(("in " in one) == (zone != "Asia/Seoul") for one in times)


def test_what_few_people_choose_is_kept_too(searched: Any, row: Any) -> None:
    """Name, start and end by the person's own clock, overlap, missed times and their limit."""
    person, job = searched()
    year = datetime.now(UTC).year + 1
    saved_id = kept(
        keep(
            person, job, when="suggested", name="Night bakers", starts_at=f"{year}-07-01T00:30",
            ends_at=f"{year}-08-01T12:00", overlap="queue", missed="skip", missed_hours="1.5",
            notify="never",
        )
    )  # fmt: skip
    columns = "name, overlap, missed, missed_limit_seconds, notify, starts_at, ends_at"
    assert row(saved_id, columns) == (
        "Night bakers", "queue", "skip", 5400, "never",
        datetime(year, 6, 30, 15, 30, tzinfo=UTC), datetime(year, 8, 1, 3, 0, tzinfo=UTC),
    )  # fmt: skip
    page = words(person.get(f"/saved/{saved_id}").text)
    assert "1 Jul" in page and "00:30 in Seoul" in page and "Never" in page
    form = person.get(f"/saved/{saved_id}/edit").text
    assert typed_in(form, "starts_at") == f"{year}-07-01T00:30"
    assert typed_in(form, "missed_hours") == "1.5"
    assert "Not before optional, by your clock: Seoul" in words(form)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({**OWN, "times": ["08:00", "8 o'clock"]}, "times-1", "Give a time of day, such as 08:00."),
        ({**OWN, "times": ["", ""]}, "times", "Give at least one time."),
        ({**OWN, "times": [f"{hour:02}:00" for hour in range(13)]}, "times", "at most 12 times"),
        ({**OWN, "times": ["08:00", "08:10"]}, "schedule", "Leave 30 minutes at least."),
        ({**OWN, "times": "08:00", "time_zone": "Asia/Seul"}, "time_zone", "such as Seoul."),
        ({**OWN, "cron": "0 8 * * *\n0 25 * * *"}, "cron", "Line 2: the hour, its second field"),
        ({**OWN, "cron": "@daily\n8"}, "cron", "such as 0 0 * * *.\nLine 2: it must have five"),
        ({**OWN, "cron": "\n".join(["what?"] * 13)}, "cron", "Give at most 12 lines."),
        ({"starts_at": "tomorrow"}, "starts_at", "Give a day and a time"),
        ({"ends_at": "2027-02-30T10:00"}, "ends_at", "Give a day and a time"),
        ({"ends_at": "2020-02-03T10:00"}, "ends_at", "With this no time is left."),
        (
            {"starts_at": "2099-02-03T10:00", "ends_at": "2098-02-03T10:00"},
            "ends_at",
            "The end must not be before the start.",
        ),
        ({"missed_hours": "169"}, "missed_hours", "Give hours from 0.1 to 168"),
        ({"missed_hours": "nan"}, "missed_hours", "Give hours from 0.1 to 168"),
        ({"name": "x" * 101}, "name", "At most 100 characters"),
        ({"name": "a\0b"}, "name", "A sign in it cannot be read."),
        ({"notify": "always"}, "notify", "needs a number that is yours"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    searched: Any, row: Any, fields: dict[str, Any], field: str, said: str
) -> None:
    """Nothing is saved, what was typed is still there, and the field is marked."""
    person, job = searched()
    typed = {"name": "My own bakers", "overlap": "queue", **fields}
    answer = keep(person, job, **typed)
    assert answer.status_code == 422
    problem = re.search(rf'id="{field}-problem">([^<]*)<', answer.text)
    assert problem is not None and said in unescape(problem[1])
    assert f"{field}-problem" in " ".join(re.findall(r'aria-describedby="([^"]*)"', answer.text))
    assert answer.text.count(problem[1]) == 1  # said once
    assert 'name="overlap" value="queue" checked' in answer.text
    if field != "name":
        assert 'value="My own bakers"' in answer.text
    assert "Nothing is saved yet." in person.get("/saved").text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_all_that_is_wrong_is_marked_at_once(searched: Any, language: str) -> None:
    """Lines, zone, end, texts, name and hours: each at its own field."""
    person, job = searched(language=language)
    wrong = {
        "when": "own", "cron": "61 19 * * *", "time_zone": "Atlantis", "ends_at": "soon",
        "notify": "always", "name": "x" * 101, "missed_hours": "0",
    }  # fmt: skip
    answer = keep(person, job, **wrong)
    assert answer.status_code == 422
    said = dict(re.findall(r'class="problem" id="(\w+)-problem">([^<]+)<', answer.text))
    assert said.keys() == wrong.keys() - {"when"}
    assert ("런던" if language == "ko" else "London") in said["time_zone"]
    saved_id = kept(keep(person, job, missed_hours="6"))
    page = f"/saved/{saved_id}/edit"
    changed = person.press(page, page, **wrong).text
    assert dict(re.findall(r'class="problem" id="(\w+)-problem">([^<]+)<', changed)) == said


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_place_is_known_by_its_name_in_either_language(
    searched: Any, row: Any, language: str
) -> None:
    """Whichever the page is in; what is no place is answered with one that is written alike."""
    person, job = searched(language=language, zone="Europe/Paris")
    times = {"when": "own", "times": "09:00", "missed_hours": "6"}
    for typed in ("서울", "Seoul", "seoul", "Asia/Seoul"):
        saved_id = kept(keep(person, job, **times, time_zone=typed))
        assert row(saved_id, "time_zone") == ("Asia/Seoul",)
    for typed, wanted in (
        ("Seul", {"en": "Seoul", "ko": "서울"}),
        ("런든", {"en": "London", "ko": "런던"}),
        ("+09:00", {"en": "London", "ko": "런던"}),
    ):
        answer = keep(person, job, **times, time_zone=typed)
        problem = re.search(r'id="time_zone-problem">([^<]*)<', answer.text)
        assert problem is not None and wanted[language] in problem[1], typed


@pytest.mark.parametrize(
    "fields",
    [{"when": "always"}, {"notify": "x"}, {**OWN, "times": "08:00", "weekdays": "monday"},
     {"overlap": "both"}, {"missed": "\0"}],
)  # fmt: skip
def test_what_the_page_does_not_offer_is_refused(searched: Any, fields: dict[str, Any]) -> None:
    """By a form that somebody made themselves."""
    person, job = searched()
    answer = keep(person, job, **fields)
    assert answer.status_code == 422
    assert "Choose one of the list, please." in answer.text


def test_without_a_script_the_times_are_shown_by_a_button(searched: Any) -> None:
    """The whole page again, with all that was typed and the times it means."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    answer = person.post(
        "/saved/preview", **fields, when="own", times=["06:10", "18:20"], weekdays="sat",
        time_zone="Australia/Sydney", name="Bakers down under", missed_hours="3",
    )  # fmt: skip
    assert answer.status_code == 200
    assert f'name="job" value="{job}"' in answer.text and fields["idempotency_key"] in answer.text
    for kept_value in ('value="06:10"', 'value="18:20"', "Bakers down under", 'value="sat" checked',
                       'value="3"'):  # fmt: skip
        assert kept_value in answer.text
    assert typed_in(answer.text, "time_zone") == "Sydney"
    times = next_times(answer.text)
    assert len(times) == 5 and all("Sydney" in one and "Sat" in one for one in times)
    answer = person.post("/saved/preview", **fields, when="own", times="", missed_hours="3")
    assert answer.status_code == 422 and "Give at least one time." in answer.text


def test_with_a_script_only_the_times_are_answered(searched: Any) -> None:
    """As htmx asks, while somebody chooses; what is wrong is said there as well."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")

    def ask(**more: Any) -> str:
        answer = person.client.post(
            "/saved/preview",
            base_url="http://127.0.0.1:8000",
            data={**fields, "missed_hours": "6", **more},
            headers={"Origin": "http://127.0.0.1:8000", "HX-Request": "true"},
        )
        assert answer.status_code == 200  # others are not put in
        return str(answer.text)

    part = ask(when="morning")
    assert "<html" not in part and len(next_times(part)) == 5
    part = ask(when="own", times="later")
    assert next_times(part) == [] and "Give a time of day, such as 08:00." in part


def test_a_change_of_the_clock_is_told_before_saving(searched: Any) -> None:
    """Whichever day it is, five times a quarter apart reach beyond the next ones. Demand: 004-36"""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    page = person.post(
        "/saved/preview", **fields, when="own", cron="30 1 1 */3 *", time_zone="Europe/London",
        missed_hours="6",
    ).text  # fmt: skip
    assert len(next_times(page)) == 5
    changes = [words(one) for one in re.findall(r'class="clock-change">(.*?)</p>', page, re.DOTALL)]
    assert any("the clocks in London go forward to 02:00" in one for one in changes)
    assert any("go back to 01:00" in one for one in changes)
    assert "From then on the times are different by your own clock." in changes
    page = person.post("/saved/preview", **fields, when="morning", missed_hours="6").text
    assert "clock-change" not in page  # Seoul's never changes


def test_a_change_before_the_start_is_not_told(searched: Any) -> None:
    """New York's clock changes three weeks before London's; the times begin in between."""
    person, job = searched(zone="America/New_York")
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    page = person.post(
        "/saved/preview", **fields, when="own", cron="0 8 * * 1", time_zone="Europe/London",
        starts_at="2031-03-12T00:00", missed_hours="6",
    ).text  # fmt: skip
    changes = [words(one) for one in re.findall(r'class="clock-change">(.*?)</p>', page, re.DOTALL)]
    assert len(changes) == 2 and "30 March 2031" in changes[0]
    assert changes[1] == "From then on the times are different by your own clock."


def test_as_many_times_as_are_offered(searched: Any, row: Any) -> None:
    """Twelve: six at once, and six more behind a word that is open where they are needed."""
    person, job = searched()
    page = person.get(f"/saved/new?job={job}").text
    assert "Times up to 12" in words(page) and page.count('name="times"') == 12
    times = [f"{hour:02}:15" for hour in range(12)]
    saved_id = kept(keep(person, job, **OWN, times=times))
    assert row(saved_id, "cardinality(cron_lines)") == (12,)
    form = person.get(f"/saved/{saved_id}/edit").text
    assert [typed_in(form, f"times-{place}") for place in range(12)] == times
    assert re.search(r"<details class=\"plain\" open>\s*<summary>More times", form)


def test_in_korean(searched: Any) -> None:
    """Times, zone and choices are in the reader's language, and so is what is wrong."""
    person, job = searched(language="ko")
    page = person.get(f"/saved/new?job={job}").text
    assert "매일 08:00, 10:00, 14:00, 16:00, 16:45, 22:00" in words(page)
    assert "내 시계(서울)" in words(page)
    assert typed_in(page, "time_zone") == "서울"
    answer = keep(person, job, when="own", cron="0 8 * *", missed_hours="6")
    assert answer.status_code == 422 and "1번째 줄" in answer.text
    answer = keep(person, job, when="own", times="09:00", time_zone="런던", missed_hours="6")
    page = answer.headers["Location"]
    assert "런던" in person.get(page).text
    assert typed_in(person.get(page.replace("?made", "/edit")).text, "time_zone") == "런던"
