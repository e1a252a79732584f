"""A search for postings that finds none, and how not to: examples, one tap without the place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from uuid import UUID

import psycopg
import pytest
from posting_answers import end_with, make_answer, make_outcome
from posting_steps import FORM, ask, cards, words

from models import Database
from tasks.providers.job_board.sample_load import load_sample_postings

Visit = Callable[..., Any]
SAMPLE = "Sample data: made-up postings, no real jobs"


@pytest.fixture
def samples(database: Database, owner_connection: psycopg.Connection) -> Iterator[None]:
    """The postings of a fresh installation, for this test alone."""
    load_sample_postings(database)
    yield
    owner_connection.execute("delete from postings where site = 'sample'")


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_the_form_names_as_examples_is_found(
    visit: Visit, work: Callable[[UUID], None], language: str
) -> None:
    """Title and place, each alone and both together, in the sample postings."""
    person = visit(language)
    form = person.get(FORM).text
    title, place = (
        unescape(re.search(rf'id="{field}"[^>]* placeholder="([^"]+) …"', form)[1])  # type: ignore[index]
        for field in ("job_title", "location")
    )
    for asked in ({"job_title": title}, {"job_title": title, "location": place}):
        job_id = ask(person, **asked)
        work(job_id)
        assert len(cards(person.get(f"/jobs/{job_id}").text)) >= 2, asked


def test_nothing_found_is_said_as_it_is(visit: Visit, database: Database) -> None:
    """Nobody is said to hire or not to; samples are called so, if nothing else was asked."""
    person = visit()
    for outcomes, is_sample in (
        ([make_outcome("sample", "ok")], True),
        ([make_outcome("sample", "ok"), make_outcome("Indeed", "failed")], True),
        ([make_outcome("sample", "ok"), make_outcome("Indeed", "ok")], False),
        ([make_outcome("Indeed", "ok")], False),
    ):
        job_id = ask(person, job_title="Lamplighter")
        end_with(database, job_id, make_answer(sites=outcomes))
        page = words(person.get(f"/jobs/{job_id}").text)
        assert "No posting fits all of this." in page
        assert (SAMPLE in page) == is_sample
        assert "Search without" not in page


def test_the_same_without_the_place_is_one_tap(
    visit: Visit, database: Database, owner_connection: psycopg.Connection
) -> None:
    """Another search, with everything else as it was; nobody but its person can tap."""
    person = visit("ko")
    job_id = ask(
        person, job_title="간호사", location="서귀포", distance_km="25", job_type="part_time"
    )
    end_with(database, job_id, make_answer())
    page = f"/jobs/{job_id}"
    assert "‘서귀포’ 없이 검색" in person.get(page).text
    fields = person.fields(page, f"{page}/reruns")
    first, second = (
        person.post(f"{page}/reruns", **fields, location="").headers["Location"] for _ in range(2)
    )
    assert first == second != page
    new_id = first.removeprefix("/jobs/")
    row = owner_connection.execute(
        "select params, source, rerun_of_id from jobs where id = %s", (new_id,)
    ).fetchone()
    assert row is not None
    params, source, rerun_of = row
    assert (params["job_title"], params["location"], params["distance_km"]) == ("간호사", "", None)
    assert (params["job_type"], source, rerun_of) == ("part_time", "manual", None)
    again = person.press(page, f"{page}/reruns").headers["Location"]
    assert again not in (first, page)
    assert visit().post(f"{page}/reruns", **fields, location="").status_code in (403, 404)


@pytest.mark.parametrize(
    ("language", "asked", "button"),
    [
        ("en", "Did you mean London?", "Search in London"),
        ("ko", "찾는 곳이 ‘London’인가요?", "‘London’에서 검색"),
    ],
)
def test_the_same_at_a_place_of_nearly_that_name_is_one_tap(
    visit: Visit,
    database: Database,
    owner_connection: psycopg.Connection,
    language: str,
    asked: str,
    button: str,
) -> None:
    person = visit(language)
    job_id = ask(person, job_title="Baker", location="Lodnon", distance_km="25")
    end_with(database, job_id, make_answer().model_copy(update={"like_place": "London"}))
    page = f"/jobs/{job_id}"
    shown = person.get(page).text
    assert asked in words(shown)
    assert re.search(rf'name="location" value="London"[^>]*>{button}<', shown)
    new_id = person.press(page, f"{page}/reruns", location="London").headers["Location"]
    row = owner_connection.execute(
        "select params->>'location', params->>'distance_km', source from jobs where id = %s",
        (new_id.removeprefix("/jobs/"),),
    ).fetchone()
    assert row == ("London", "25", "manual")


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "en",
            "Baker · Seoul · Within 10 km · South Korea · Remote only · Full time · Last week · "
            "At most 10 · Sample postings",
        ),
        ("ko", "Baker · Seoul · 10 km 이내 · 대한민국 · 원격 근무만 · 풀타임 · 최근 일주일 · "
         "10건까지 · 샘플 공고"),
    ],
)  # fmt: skip
def test_all_that_was_asked_is_said(
    visit: Visit, database: Database, language: str, wanted: str
) -> None:
    """Where nothing was found, in the list, and where it is kept fresh."""
    person = visit(language)
    job_id = ask(
        person, job_title="Baker", location="Seoul", distance_km="10", job_country="KR",
        is_remote="yes", job_type="full_time", hours_old="168", results_wanted="10", sites="sample",
    )  # fmt: skip
    end_with(database, job_id, make_answer())
    saved = person.press(f"/saved/new?job={job_id}", "/saved").headers["Location"]
    for page in (f"/jobs/{job_id}", "/jobs", f"/saved/new?job={job_id}", saved, "/saved"):
        assert wanted in words(person.get(page).text), page
