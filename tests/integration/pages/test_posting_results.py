"""The postings that were found: what a card tells, what is new, sifted, passed on and kept."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from flask import g
from posting_answers import end_with, make_answer, make_outcome, make_posting
from posting_steps import FORM, ask, cards, words

from models import Database, Settings, User
from tasks.posting_result import Pay, Result
from webapp.pages.posting_words import ago, posted, salary

Visit = Callable[..., Any]


@pytest.fixture
def answered(visit: Visit, database: Database) -> Callable[..., tuple[Any, UUID]]:
    """Come, ask, and have an answer."""

    def come(answer: Result, language: str = "en", **fields: Any) -> tuple[Any, UUID]:
        person = visit(language)
        job_id = ask(person, **fields)
        end_with(database, job_id, answer)
        return person, job_id

    return come


@pytest.fixture
def mark_new(owner_connection: psycopg.Connection) -> Callable[..., None]:
    """Say which postings of a search are new, as the end of a saved search's run does."""

    def mark(job_id: UUID, *keys: UUID) -> None:
        owner_connection.execute("set session_replication_role = replica")  # it has ended already
        owner_connection.execute(
            "update jobs set new_keys = %s, new_count = %s where id = %s",
            ([str(key) for key in keys], len(keys), job_id),
        )

    return mark


def test_a_card_tells_all_that_is_known(answered: Callable[..., tuple[Any, UUID]]) -> None:
    """Pay, age and type in the reader's language; sites are left without saying where from."""
    today = datetime.now(UTC).date()
    full = make_posting(
        "Baker <night>",
        sites=["indeed", "linkedin"],
        company="Bread & Co",
        location="Seoul",
        is_remote=True,
        job_type="full_time",
        salary=Pay(
            min=30e6, max=40e6, currency="KRW", interval="year", yearly_min=30e6, yearly_max=40e6
        ),
        posted_on=today - timedelta(days=3),
        description="Bread.\n\n<script>alert(1)</script>",
    )
    bare = make_posting(
        "Pastry cook",
        url="javascript:alert(1)",
        first_seen_at=datetime.now(UTC) - timedelta(hours=3),
    )
    for language, wanted in (
        ("en", ("₩30M–₩40M a year", "Remote", "Full time", "3 days ago", "Found 3 hours ago")),
        ("ko", ("연봉 3,000만~4,000만 원", "원격 근무", "풀타임", "3일 전", "3시간 전 발견")),
    ):
        person, job_id = answered(make_answer(full, bare), language)
        page = person.get(f"/jobs/{job_id}").text
        seen = cards(page)
        assert list(seen) == ["Baker <night>", "Pastry cook"]
        said = words(seen["Baker <night>"]) + words(seen["Pastry cook"])
        for one in (*wanted, "Bread & Co", "Seoul", "Indeed", "LinkedIn"):
            assert one in said
        assert "<script>alert" not in page
        assert "javascript:" not in page
        links = re.findall(r"<a href=\"https://indeed[^>]*>", page)
        assert len(links) == 3  # the title, and each site
        assert all('rel="noopener noreferrer nofollow"' in link for link in links)


@pytest.mark.parametrize(
    ("pay", "english", "korean"),
    [
        ((50_000, 60_000, "GBP", "year"), "£50,000–£60,000 a year", "연봉 £50,000~£60,000"),
        ((12.5, None, "USD", "hour"), "from $12.50 an hour", "시급 US$12.50 이상"),
        ((75e6, 110e6, "KRW", "year"), "₩75M–₩110M a year", "연봉 7,500만~1억 1,000만 원"),
        ((100e6, 200e6, "KRW", "year"), "₩100M–₩200M a year", "연봉 1억~2억 원"),
        ((None, 2_500_000, "KRW", "month"), "up to ₩2.5M a month", "월급 250만 원 이하"),
        ((9_860, 9_860, "KRW", "hour"), "₩9,860 an hour", "시급 ₩9,860"),
        ((100, 200, None, "day"), "100–200 a day", "일급 100~200"),
        ((100, 200, "QQQ", "week"), "QQQ100–QQQ200 a week", "주급 QQQ100~QQQ200"),
        ((None, None, "KRW", "year"), "", ""),
    ],
)
def test_pay_is_written_as_the_language_does(
    app: Any, pay: tuple[Any, ...], english: str, korean: str
) -> None:
    given = dict(zip(("min", "max", "currency", "interval"), pay, strict=True))
    for language, wanted in (("en", english), ("ko", korean)):
        with app.test_request_context(headers={"Accept-Language": language}):
            assert salary(given).replace("\N{NO-BREAK SPACE}", "") == wanted


def test_ages_are_dates_once_they_are_old(app: Any) -> None:
    now = datetime.now(UTC)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        days = [posted(now.date() - timedelta(days=days), now) for days in (-1, 0, 1, 29)]
        assert days == ["Today", "Today", "1 day ago", "29 days ago"]
        assert posted(date(2025, 10, 7), now) == "7 Oct 2025"
        assert ago(datetime(2025, 10, 7, tzinfo=UTC)) == "7 Oct 2025"
        passed = [ago(now - timedelta(minutes=one)) for one in (0, 5, 180, 3000)]
        assert passed == ["just now", "5 minutes ago", "3 hours ago", "2 days ago"]
    with app.test_request_context(headers={"Accept-Language": "ko"}):
        assert posted(date(2025, 10, 7), now) == "2025년 10월 7일"


@pytest.mark.parametrize(
    ("zone", "language", "now", "today", "yesterday"),
    [
        # UTC has the day before still.
        ("Asia/Seoul", "ko", datetime(2026, 10, 6, 23, tzinfo=UTC), "오늘", "1일 전"),
        # UTC has the day after already.
        ("America/New_York", "en", datetime(2026, 10, 8, 1, tzinfo=UTC), "Today", "1 day ago"),
    ],
)
def test_today_begins_and_ends_by_the_clock_of_the_reader(
    app: Any, zone: str, language: str, now: datetime, today: str, yesterday: str
) -> None:
    """At eight in Seoul what was posted yesterday is of yesterday. It is 7 October for both."""
    with app.test_request_context(headers={"Accept-Language": language}):
        g.reader = User(time_zone=zone)
        assert posted(date(2026, 10, 7), now) == today
        assert posted(date(2026, 10, 6), now) == yesterday
        old = datetime(2025, 10, 7, 22 if zone == "Asia/Seoul" else 1, tzinfo=UTC)
        assert ago(old) == ("2025년 10월 8일" if zone == "Asia/Seoul" else "6 Oct 2025")


def test_a_page_tells_ages_by_the_zone_of_its_person(
    answered: Callable[..., tuple[Any, UUID]],
) -> None:
    """Whatever the hour, one of the two outermost zones has another day than UTC."""
    for zone in ("Asia/Seoul", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        today = datetime.now(ZoneInfo(zone)).date()
        person, job_id = answered(
            make_answer(
                make_posting("Baker", posted_on=today),
                make_posting("Cook", posted_on=today - timedelta(days=1)),
            )
        )
        person.press("/account", "/account/time-zone", time_zone=zone)
        seen = cards(person.get(f"/jobs/{job_id}").text)
        if datetime.now(ZoneInfo(zone)).date() == today:  # not over midnight
            assert "Today" in seen["Baker"], zone
            assert "1 day ago" in seen["Cook"], zone


def test_what_is_new_is_marked_comes_first_and_can_be_seen_alone(
    answered: Callable[..., tuple[Any, UUID]], mark_new: Callable[..., None]
) -> None:
    """On the page, in the list and behind a link; nothing is called new where nobody compared."""
    old, new = make_posting("Baker"), make_posting("Pastry cook")
    person, job_id = answered(make_answer(old, new))
    page = person.get(f"/jobs/{job_id}").text
    assert "badge new" not in page
    assert 'name="new"' not in page
    mark_new(job_id, new.id)
    page = person.get(f"/jobs/{job_id}").text
    seen = cards(page)
    assert list(seen) == ["Pastry cook", "Baker"]
    assert ">New<" in seen["Pastry cook"]
    assert ">New<" not in seen["Baker"]
    assert "1 new" in page
    assert list(cards(person.get(f"/jobs/{job_id}?new=yes").text)) == ["Pastry cook"]
    assert "1 new of 2" in person.get("/jobs").text


def test_the_list_is_sifted_without_a_script(answered: Callable[..., tuple[Any, UUID]]) -> None:
    """By words, site and being remote, together; nothing left has a way back; the choice stays."""
    postings = [
        make_posting("Baker", company="Bread", is_remote=True, description="Rye and wheat"),
        make_posting("Baker at night", "linkedin", location="Seoul"),
        make_posting("Pastry cook", sites=["indeed", "linkedin"], is_remote=False),
    ]
    person, job_id = answered(make_answer(*postings))
    for asked, wanted in (
        ("", ["Baker", "Baker at night", "Pastry cook"]),
        ("?q=BAKER", ["Baker", "Baker at night"]),
        ("?q=rye+baker", ["Baker"]),
        ("?q=seoul", ["Baker at night"]),
        ("?site=linkedin", ["Baker at night", "Pastry cook"]),
        ("?site=linkedin&q=cook", ["Pastry cook"]),
        ("?remote=yes", ["Baker"]),
        ("?q=%00%ED%A0%80", []),
        ("?q=dentist", []),
        ("?site=nowhere", []),
    ):
        page = person.get(f"/jobs/{job_id}{asked}").text
        assert list(cards(page)) == wanted, asked
        empty = re.search(r'id="none-left"( hidden)?', page)
        assert empty is not None
        assert (empty[1] is None) == (not wanted), asked
        if 0 < len(wanted) < 3:
            assert f"{len(wanted)} of 3 shown" in page
    page = person.get(f"/jobs/{job_id}?site=linkedin&remote=yes&q=a%22b").text
    assert '<option value="linkedin" selected>LinkedIn (2)</option>' in page
    assert 'name="remote" value="yes" checked' in page
    assert 'value="a&#34;b"' in page


def test_each_site_says_how_it_went(answered: Callable[..., tuple[Any, UUID]]) -> None:
    """How many it gave, or that it gave none and why, in the reader's language."""
    slow = "This site asks us to slow down. Later searches ask it again."
    sites = [
        make_outcome("Indeed", "ok", 1),
        make_outcome("LinkedIn", "throttled", 2, slow),
        make_outcome("Glassdoor", "failed", 0, "This site took too long."),
        make_outcome("Bayt", "unavailable", 0, "This site has no postings for this country."),
    ]
    answer = make_answer(make_posting("Baker"), sites=sites)
    person, job_id = answered(answer)
    said = words(person.get(f"/jobs/{job_id}").text)
    assert f"Indeed: 1 LinkedIn: 2 {slow} Glassdoor did not answer This site took too long." in said
    assert "Bayt was not asked This site has no postings for this country." in said
    person, job_id = answered(answer, "ko")
    assert "Glassdoor: 응답이 없었어요 이 사이트는 시간이 너무 오래 걸렸어요." in words(
        person.get(f"/jobs/{job_id}").text
    )


@pytest.mark.parametrize(
    ("language", "near"),
    [
        ("en", "No title has all of your words; these come near."),
        ("ko", "입력하신 말이 모두 들어 있는 공고는 없어서 비슷한 것을 보여 드려요."),
    ],
)
def test_what_only_comes_near_is_told(
    answered: Callable[..., tuple[Any, UUID]], language: str, near: str
) -> None:
    """Other titles than were asked for."""
    asked = {"job_title": "data engineer", "location": "London"}
    other = make_posting("Civil engineer", location="London")
    person, job_id = answered(make_answer(other), language, **asked)
    assert near in words(person.get(f"/jobs/{job_id}").text)
    person, job_id = answered(make_answer(other, make_posting("Engineer: Data")), language, **asked)
    assert near not in words(person.get(f"/jobs/{job_id}").text)


def test_a_link_shows_the_same_and_nothing_of_its_owner(
    visit: Visit,
    answered: Callable[..., tuple[Any, UUID]],
    settings: Settings,
    database: Database,
    mark_new: Callable[..., None],
) -> None:
    new = make_posting("Baker", is_remote=True)
    person, job_id = answered(make_answer(new, make_posting("Cook")), location="Seoul")
    mark_new(job_id, new.id)
    person.press(f"/jobs/{job_id}", f"/jobs/{job_id}/links")
    link = unescape(
        re.search(r'id="share-link" value="([^"]+)"', person.get(f"/jobs/{job_id}").text)[1]
    )  # type: ignore[index]
    path = link.removeprefix(settings.base_url)
    stranger = visit()
    page = stranger.get(path).text
    assert list(cards(page)) == ["Baker", "Cook"]
    assert "Baker · Seoul" in words(page)
    assert "badge new" in page
    assert str(job_id) not in page
    assert "?like=" not in page
    assert f'href="{FORM}">Start a search of your own' in page
    assert list(cards(stranger.get(f"{path}?remote=yes").text)) == ["Baker"]


def test_a_table_has_a_row_for_each_posting(answered: Callable[..., tuple[Any, UUID]]) -> None:
    """However few there are beside the sites; what is inside has names of its own."""
    pay = Pay(min=30e6, max=None, currency="KRW", interval="year", yearly_min=30e6, yearly_max=None)
    posting = make_posting("=Baker", sites=["indeed", "linkedin"], salary=pay)
    sites = [make_outcome(name, "ok", 1) for name in ("Indeed", "LinkedIn", "Bayt")]
    person, job_id = answered(make_answer(posting, sites=sites))
    answer = person.get(f"/jobs/{job_id}/result.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert len(rows) == 1
    assert rows[0]["title"] == "'=Baker"
    assert rows[0]["sites.label"] == "Indeed; LinkedIn"
    assert rows[0]["salary.min"] == "30000000"
    assert "salary" not in rows[0]
    whole = json.loads(person.get(f"/jobs/{job_id}/result.json").text)
    assert whole["postings"][0]["title"] == "=Baker"
    person, job_id = answered(make_answer(sites=sites))
    assert person.get(f"/jobs/{job_id}/result.csv").status_code == 404
    assert "result.csv" not in person.get(f"/jobs/{job_id}").text
