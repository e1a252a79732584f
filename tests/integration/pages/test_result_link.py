"""The link of a text: it opens one answer for whoever holds it, and tells nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from api_client import close_app, free_port
from factories import claim_job
from pydantic import SecretStr
from sqlalchemy import select

from models import Database, ResultLink, Settings
from models.result_link import link_token
from webapp import create_app

Visit = Callable[..., Any]
Work = Callable[[UUID], None]
TEXT_ME = {"text_me": "yes"}


@pytest.fixture
def owner(owner_connection: psycopg.Connection) -> Callable[[UUID], UUID]:
    """Tell whose job it is."""

    def find(job_id: UUID) -> UUID:
        row = owner_connection.execute(
            "select owner_id from jobs where id = %s", (job_id,)
        ).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    return find


@pytest.fixture
def path_of(
    database: Database, settings: Settings, owner: Callable[[UUID], UUID]
) -> Callable[[UUID], str]:
    """Return the link of a job's text."""

    def find(job_id: UUID) -> str:
        with database.owner(owner(job_id)) as session:
            link = session.scalars(select(ResultLink).where(ResultLink.job_id == job_id)).one()
            return f"/r/{link_token(settings, link.id)}"

    return find


def test_link_opens_without_login_and_shows_nothing_of_the_owner(
    visit: Visit,
    texted: Visit,
    work: Work,
    files: Path,
    owner: Callable[[UUID], UUID],
    path_of: Callable[[UUID], str],
) -> None:
    """The public page has the products and the categories, no id, number, photo or account.

    Demand: 000-44
    """
    job_id = texted().search(files / "coffee.jpg", categories="drink", **TEXT_ME)
    work(job_id)
    page = visit().get(path_of(job_id))
    assert page.status_code == 200
    assert page.text.count('class="product') >= 19
    for said in ("Sample data: rendered objects", "Cups and drinks", "open until", "% alike"):
        assert said in page.text
    for secret in (str(job_id), str(owner(job_id)), "5678", "/photos/", "/api/", "/jobs"):
        assert secret not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"].startswith("noindex")
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers


def test_every_link_that_is_not_one_looks_the_same(
    visit: Visit,
    texted: Visit,
    work: Work,
    files: Path,
    path_of: Callable[[UUID], str],
    owner_connection: psycopg.Connection,
) -> None:
    """Unknown, malformed, expired, revoked and not ended yet: one page, one status."""
    person = texted()
    jobs = [
        person.search(files / "coffee.jpg", categories=category, **TEXT_ME)
        for category in ("drink", "bag", "dress")
    ]
    expired, revoked, waiting = (path_of(job_id) for job_id in jobs)
    for job_id in jobs[:2]:
        work(job_id)
    owner_connection.execute(
        "update result_links set expires_at = now() - interval '1 second' where job_id = %s",
        (jobs[0],),
    )
    owner_connection.execute(
        "update result_links set revoked_at = now() where job_id = %s", (jobs[1],)
    )
    unknown = "/r/" + "A" * 22
    answers = [
        visit().get(path)
        for path in (unknown, expired, revoked, waiting, "/r/x", "/r/a/b/c", "/r/%00%ff'")
    ]
    for answer in answers:
        assert answer.status_code == 404
        assert answer.text.replace("?lang=ko", "") == answers[0].text.replace("?lang=ko", "")
        assert dict(answer.headers) == dict(answers[0].headers)


def test_every_answer_under_a_link_keeps_it_secret(visit: Visit, settings: Settings) -> None:
    """The way to another language, a wrong method and a database that is away included."""
    link = f"/r/{'A' * 22}"
    nowhere = SecretStr(f"postgresql://x:y@127.0.0.1:{free_port()}/nothing")
    app = create_app(settings.model_copy(update={"database_url": nowhere}))
    try:
        answers = [
            visit().get(link),
            visit().get(f"{link}?lang=ko"),
            visit().client.post(link, headers={"Origin": "http://localhost"}),
            app.test_client().get(link),
        ]
    finally:
        close_app(app)
    assert [answer.status_code for answer in answers] == [404, 303, 405, 503]
    for answer in answers:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] == "no-store"


def test_openings_are_counted_and_use_nothing_up(
    visit: Visit,
    texted: Visit,
    work: Work,
    files: Path,
    path_of: Callable[[UUID], str],
    owner_connection: psycopg.Connection,
) -> None:
    """A preview that opens the link first leaves it whole for the person."""
    job_id = texted().search(files / "coffee.jpg", **TEXT_ME)
    work(job_id)
    for _ in range(3):
        assert visit("ko").get(path_of(job_id)).status_code == 200
    row = owner_connection.execute(
        "select opens from result_links where job_id = %s", (job_id,)
    ).fetchone()
    assert row == (3,)


def test_link_to_a_failed_job_says_why(
    visit: Visit,
    texted: Visit,
    work: Work,
    files: Path,
    path_of: Callable[[UUID], str],
    owner_connection: psycopg.Connection,
) -> None:
    """Whoever opens it reads a sentence in their own language."""
    job_id = texted().search(files / "coffee.jpg", **TEXT_ME)
    owner_connection.execute(
        "update jobs set status = 'failed', error_code = 'time_limit', error_message = 'English', "
        "finished_at = now() where id = %s",
        (job_id,),
    )
    page = visit("ko").get(path_of(job_id))
    assert page.status_code == 200
    assert "시간이 너무 오래 걸려 멈췄어요." in page.text
    assert "English" not in page.text.replace(">English</a>", "")


def test_link_to_a_failed_job_shows_what_it_had_found(
    visit: Visit,
    texted: Visit,
    files: Path,
    path_of: Callable[[UUID], str],
    database: Database,
) -> None:
    """Labelled as a part, and whoever holds the link can do nothing with the search."""
    job_id = texted().search(files / "coffee.jpg", **TEXT_ME)
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.save_partial(session, {"products": []}, result_count=0)
        claim.fail(session, "time_limit", "English")
    page = visit().get(path_of(job_id)).text
    assert "Partial: stopped before the end" in page
    assert "<form" not in page
    assert str(job_id) not in page


def test_own_pages_are_nobody_elses(visit: Visit, work: Work, files: Path) -> None:
    """The page of a job and its photo exist for its person alone. Demand: 000-44"""
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    work(job_id)
    page = person.get(f"/jobs/{job_id}").text
    photo = page.split('src="/photos/')[1].split('"')[0]
    assert person.get(f"/photos/{photo}").data == (files / "coffee.jpg").read_bytes()
    assert str(job_id) in person.get("/jobs").text
    other = visit()
    other.search(files / "coffee.jpg")
    for stranger in (other, visit()):
        assert stranger.get(f"/jobs/{job_id}").status_code == 404
        assert stranger.get(f"/photos/{photo}").status_code == 404
        assert str(job_id) not in stranger.get("/jobs").text
    assert other.get(f"/jobs/{job_id}").text.count("404") == other.get(
        f"/jobs/{uuid4()}"
    ).text.count("404")
    taken = other.send(photo=photo)
    assert taken.status_code == 422


def test_expired_result_is_named_to_its_owner(
    visit: Visit, work: Work, files: Path, owner_connection: psycopg.Connection
) -> None:
    """Expired is not confused with unknown, for the owner."""
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    work(job_id)
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 second' where id = %s", (job_id,)
    )
    page = person.get(f"/jobs/{job_id}")
    assert page.status_code == 410
    assert "This result has expired" in page.text
    assert 'class="product' not in page.text
