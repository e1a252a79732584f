"""Searching for job postings: its form, and what is told of it everywhere else."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import UUID

import psycopg
from api_client import MANY, close_app
from factories import claim_job, new_number
from posting_answers import end_with, make_answer, make_posting
from posting_steps import FORM, ask, cards, words
from psycopg.types.json import Jsonb

from models import Database, Settings
from models.posting import NewPosting
from models.posting_store import keep_postings
from models.result_link import TOKEN_CHARACTERS
from tasks.texts import text_body
from webapp import create_app

Visit = Callable[..., Any]


def test_every_kind_is_one_tap_away(visit: Visit) -> None:
    """The photo first; what is open is marked; of many kinds the rest is behind a word."""
    person = visit()
    home, form = person.get("/").text, person.get(FORM).text
    for page, chosen in ((home, "/"), (form, FORM)):
        nav = page.split('<nav class="kinds"')[1].split("</nav>")[0]
        assert re.findall(r'href="([^"]+)" aria-current="page"', nav) == [chosen]
        assert re.findall(r'href="([^"]+)"', nav)[:2] == ["/", FORM]
        assert nav.index("hungry") > nav.index("Other searches")
    other = person.get("/search/hungry").text
    assert other.index('href="/search/hungry" aria-current="page"') < other.index("Other searches")
    assert person.get("/search/image_search").headers["Location"] == "/"
    assert person.get("/search/nothing").status_code == 404
    assert person.post("/search/nothing").status_code in (403, 404)


def test_a_filled_in_form_is_a_search(
    visit: Visit, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """All that was chosen goes with it; sent twice it is one; the number is proven beside it.

    Demand: 004-15, 004-33
    """
    person = visit("ko")
    fields = person.fields(FORM, FORM) | {
        "job_title": " 제빵사 ",
        "location": "서울",
        "is_remote": "yes",
        "job_type": "part_time",
        "hours_old": "72",
        "distance_km": "25",
        "job_country": "KR",
        "results_wanted": "50",
        "feeds": "https://example.org/jobs.xml\r\n\r\n https://example.com/feed.json ",
        "country": "KR",
        "phone": new_number(),
    }
    first, second = (person.post(FORM, **fields) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    page = first.headers["Location"]
    row = owner_connection.execute(
        "select kind, source, locale, params from jobs where id = %s",
        (page.rsplit("/", 1)[1],),
    ).fetchone()
    assert row is not None
    assert row[:3] == ("posting_search", "manual", "ko")
    assert row[3] == {
        "job_title": "제빵사",
        "location": "서울",
        "sites": [],
        "distance_km": 25,
        "is_remote": True,
        "job_type": "part_time",
        "hours_old": 72,
        "results_wanted": 50,
        "country": "KR",
        "feeds": ["https://example.org/jobs.xml", "https://example.com/feed.json"],
    }
    person.type_code(settings, page)
    said = words(person.get(page).text)
    assert (
        "제빵사 · 서울 · 25 km 이내 · 대한민국 · 원격 근무만 · 파트타임 · 최근 3일 · 50건까지 · "
        "example.org, example.com" in said
    )
    assert "앱을 닫거나 휴대폰을 잠가도 괜찮아요!" in said


def test_wrong_fields_are_told_where_they_are_and_nothing_is_lost(
    visit: Visit, owner_connection: psycopg.Connection
) -> None:
    """All at once, in the reader's language; what was chosen is still chosen; nothing runs.

    Demand: 004-16
    """
    count = "select count(*) from jobs"
    before = owner_connection.execute(count).fetchone()
    person = visit()
    answer = person.press(
        FORM,
        FORM,
        location="L" * 121,
        hours_old="24",
        feeds="https://example.org/a\nfile:///etc/passwd",
        country="KR",
        phone="1",
    )
    assert answer.status_code == 422
    page = answer.text
    for field, said in (
        ("job_title", "Say what job you are looking for."),
        ("location", "At most 120 characters, please."),
        ("feeds", "Line 2: the address must begin with http:// or https://."),
        ("phone", "That is not a mobile number we know how to text."),
    ):
        assert f'id="{field}-problem">{said}' in page
        field_html = re.search(rf'<(?:input|textarea)[^>]* id="{field}"[^>]*>', page)
        assert field_html is not None
        assert "aria-invalid" in field_html[0]
        assert f"{field}-problem" in field_html[0]
    assert f'value="{"L" * 121}"' in page
    assert 'name="hours_old" value="24" checked' in page
    assert "https://example.org/a\nfile:///etc/passwd</textarea>" in page
    assert '<details class="plain more-choices" open>' in page
    for fields, said in (
        ({"job_title": "!!"}, "Say what job you are looking for."),
        ({"job_title": "a\0b"}, "A sign in it cannot be read."),
        ({"hours_old": "often"}, "Choose one of the list, please."),
        ({"job_type": "any"}, "Choose one of the list, please."),
        ({"distance_km": "900"}, "Choose one of the list, please."),
        ({"distance_km": "9" * 5000}, "Choose one of the list, please."),
        ({"results_wanted": "500"}, "Choose one of the list, please."),
        ({"results_wanted": "\0"}, "Choose one of the list, please."),
        ({"job_country": "XX"}, "Choose one of the list, please."),
        ({"job_country": "\0"}, "Choose one of the list, please."),
        ({"sites": "monster"}, "One of these sites is not asked any more."),
        ({"feeds": "\n".join(f"https://example.org/{n}" for n in range(6))}, "At most 5 addresses"),
        ({"feeds": "http://127.0.0.1/x"}, "does not lead to the public internet"),
        (
            {"feeds": f"https://example.org/\n\nhttps://example.org/{'a' * 2100}"},
            'id="feeds-problem">Line 2: this is not a web address we can open.</p>',
        ),
        ({"only_own_feeds": "yes"}, 'id="feeds-problem">Give the address of a feed here'),
    ):
        answer = person.press(FORM, FORM, **{"job_title": "Baker", **fields})
        assert answer.status_code == 422, fields
        assert said in answer.text, fields
    assert owner_connection.execute(count).fetchone() == before


def test_sites_are_offered_where_there_are_several(settings: Settings) -> None:
    """As chips, by the names people know; one alone is no choice."""
    for sites, wanted in (
        ("sample", []),
        ("sample,feed", [("sample", "샘플 공고"), ("feed", "피드")]),
    ):
        change = {"posting_sites": sites, "posting_feeds": "https://example.org/f"}
        app = create_app(settings.model_copy(update={**change, "submits_per_minute": MANY}))
        try:
            page = app.test_client().get(FORM, headers={"Accept-Language": "ko"}).text
        finally:
            close_app(app)
        chips = re.findall(r'name="sites" value="(\w+)"><span>([^<]*)</span>', page)
        assert chips == wanted


def test_a_site_that_is_gone_is_told_where_a_search_is_changed(
    visit: Visit, owner_connection: psycopg.Connection
) -> None:
    """By its name, if it has one still; and a number that no list has is offered too."""
    person = visit()
    job_id = ask(person)
    owner_connection.execute(
        "update jobs set params = params || %s where id = %s",
        (Jsonb({"sites": ["linkedin", "sample", "older"], "results_wanted": 40}), job_id),
    )
    page = person.get(f"{FORM}?like={job_id}").text
    person.language = "ko"
    korean = person.get(f"{FORM}?like={job_id}").text
    assert '<p class="saved-note">Not offered here any more: LinkedIn, older.</p>' in page
    assert "이제 여기서 제공하지 않는 사이트: LinkedIn, older" in korean
    assert '<option value="40" selected>At most 40</option>' in page
    assert '<details class="plain more-choices" open>' in page


def test_only_a_persons_own_feeds_can_be_asked(
    visit: Visit, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """Whatever else is ticked; chosen again where the search is changed; and not promised where
    the server has feeds of its own, which are asked with a person's.
    """
    person = visit()
    chip = 'name="only_own_feeds" value="yes"'
    assert f"{chip}>" in person.get(FORM).text
    feeds = "https://example.org/f"
    job_id = ask(person, feeds=feeds, sites="sample", only_own_feeds="yes")
    asked = owner_connection.execute(
        "select params -> 'sites', params -> 'feeds' from jobs where id = %s", (job_id,)
    ).fetchone()
    assert asked == (["feed"], [feeds])
    form = person.get(f"{FORM}?like={job_id}").text
    assert f"{chip} checked" in form
    assert "Not offered here any more" not in form
    change = {"posting_sites": "sample,feed", "posting_feeds": "https://example.org/f"}
    app = create_app(settings.model_copy(update=change))
    try:
        assert chip not in app.test_client().get(FORM).text
    finally:
        close_app(app)


def test_sample_postings_are_found_and_called_so(
    visit: Visit, database: Database, work: Callable[[UUID], None]
) -> None:
    """The whole way of a fresh installation, Korean included."""
    with database.worker() as session:
        told = [NewPosting("도예 공방 강사", company="흙과 불", location="서울", age_hours=5)]
        keep_postings(session, "sample", told)
    person = visit("ko")
    job_id = ask(person, job_title="도예", location="서울")
    work(job_id)
    page = person.get(f"/jobs/{job_id}").text
    assert list(cards(page)) == ["도예 공방 강사"]
    assert "지어낸 공고이며 실제 일자리가 아니에요" in page
    assert "공고 1건" in words(page)
    nothing = ask(person, job_title="zzzzqqqq")
    work(nothing)
    assert "이번에는 찾은 공고가 없어요" in person.get(f"/jobs/{nothing}").text


def test_what_is_known_is_shown_while_more_is_looked_for(visit: Visit, database: Database) -> None:
    """And the sentences beside it are about this search. Demand: 004-22"""
    person = visit()
    job_id = ask(person)
    claim = claim_job(database, job_id)
    for known, label in (
        (True, "What is already here, while we look for more"),
        (False, "Found so far"),
    ):
        answer = make_answer(make_posting("Baker"), make_posting("Cook"), sites=[], known=known)
        with database.worker() as session:
            claim.save_partial(session, answer.model_dump(mode="json"), result_count=2)
        page = person.get(f"/jobs/{job_id}?q=nothing").text
        assert label in page
        assert list(cards(page)) == ["Baker", "Cook"]  # nothing to sift with before the end
        assert 'id="sift"' not in page
    assert "Every place is looked at." in page
    assert "Your photo" not in page


def test_a_search_is_found_repeated_and_changed(
    visit: Visit, database: Database, owner_connection: psycopg.Connection
) -> None:
    """By its title and place; with the same params; or with a form that is filled in as it was.

    Demand: 004-27, 004-28, 004-30
    """
    asked = {
        "job_title": "Night baker",
        "location": "Busan",
        "job_type": "contract",
        "results_wanted": "100",
        "feeds": "https://example.org/f",
    }
    person = visit()
    job_id = ask(person, **asked)
    end_with(database, job_id, make_answer(make_posting("Baker")))
    for found in ("night", "BUSAN", "postings"):
        listed = person.get(f"/jobs?q={found}").text
        assert "Night baker · Busan" in words(listed)
    assert "Night baker" not in person.get("/jobs?q=dentist").text
    page = person.get(f"/jobs/{job_id}").text
    assert f'href="{FORM}">New search' in page
    form = person.get(re.search(r'href="([^"]+)">Change the search', page)[1]).text  # type: ignore[index]
    assert 'value="Night baker"' in form
    assert 'name="job_type" value="contract" checked' in form
    assert '<option value="100" selected>' in form
    assert "https://example.org/f</textarea>" in form
    assert "data-given" in form
    assert "Not offered here any more" not in form
    assert "Night baker" not in visit().get(f"{FORM}?like={job_id}").text
    again = person.press(f"/jobs/{job_id}", f"/jobs/{job_id}/reruns").headers["Location"]
    same = owner_connection.execute(
        "select count(distinct params), count(*) from jobs where id in (%s, %s)",
        (job_id, again.rsplit("/", 1)[1]),
    ).fetchone()
    assert same == (1, 2)
    deletion = words(person.get(f"/jobs/{job_id}/deletion").text)
    assert "Night baker · Busan" in deletion
    assert "photo" not in deletion.partition("Delete this search?")[2]


def test_no_site_answered_is_told_with_its_reason(visit: Visit, database: Database) -> None:
    """What went wrong, in the reader's language, and what to do next. Demand: 004-26"""
    for message, wanted in (
        ("None of the sites answered.", "응답한 사이트가 없어요."),
        ("There is no feed of postings at this address.", "이 주소에는 공고 피드가 없어요."),
    ):
        person = visit("ko")
        job_id = ask(person)
        claim = claim_job(database, job_id)
        with database.worker() as session:
            claim.fail(session, "no_site_answered", message)
        page = person.get(f"/jobs/{job_id}").text
        assert wanted in page
        assert "잠시 뒤에 다시 검색하거나" in page
        assert f'href="{FORM}">새로 검색하기' in page


def test_the_example_of_a_text_is_what_is_sent(visit: Visit, settings: Settings) -> None:
    """On both forms, in both languages, as this server's address leaves room."""
    link = f"{settings.base_url}/r/{'x' * TOKEN_CHARACTERS}"
    for language, country in (("en", None), ("ko", "KR")):
        person = visit(language)
        text = text_body(
            locale=language, succeeded=True, result_count=24, link=link, country=country
        )
        for form in ("/", FORM):
            shown = re.search(r'class="bubble hero-bubble"[^>]*>([^<]*)<', person.get(form).text)
            assert shown is not None and unescape(shown[1]).strip() == text.removesuffix(" " + link)
