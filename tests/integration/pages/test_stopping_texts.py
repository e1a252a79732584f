"""No more texts: the page behind a text's own link, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import make_token
from cast import Person
from factories import claim_job, read_job
from flask import Flask
from sqlalchemy import select

from models import Database, ResultLink, Settings
from models.phone import PhoneKeys
from tasks.text_errors import CODES
from webapp.text_words import EXPLAINED

Visit = Callable[..., Any]


@pytest.fixture
def link_of(
    database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> Callable[..., str]:
    """Return the path of a job's link; its job has ended."""

    def make(job_id: UUID, purpose: str = "text") -> str:
        row = owner_connection.execute(
            "select owner_id from jobs where id = %s", (job_id,)
        ).fetchone()
        assert row is not None
        with database.owner(row[0]) as session:
            link = session.scalar(
                select(ResultLink).where(ResultLink.job_id == job_id, ResultLink.purpose == purpose)
            )
            if link is None:
                job = read_job(database, row[0], job_id)
                link = ResultLink.create(
                    session, settings, job_id=job_id, owner_id=row[0], purpose=purpose,
                    expires_at=job.expires_at,
                )  # fmt: skip
            return link.url(settings).removeprefix(settings.base_url)

    return make


@pytest.fixture
def texted_job(
    visit: Visit, settings: Settings, files: Path, database: Database
) -> tuple[Any, str, UUID]:
    """Return somebody with a phone, its number, and their ended job whose link was texted."""
    person = visit()
    number = person.sign_in(settings)
    job_id = person.search(files / "coffee.jpg", text_me="yes")
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, {"products": []}, result_count=0)
    return person, number, job_id


def test_who_holds_the_link_stops_the_texts_after_one_more_question(
    visit: Visit,
    settings: Settings,
    files: Path,
    texted_job: tuple[Any, str, UUID],
    link_of: Callable[..., str],
    owner_connection: psycopg.Connection,
) -> None:
    """Without an account; opening alone changes nothing; the next search sends none and says so."""
    person, number, job_id = texted_job
    path = link_of(job_id)
    stranger = visit("ko")
    assert f'href="{path}/stop"' in stranger.get(path).text
    asked = stranger.get(f"{path}/stop")
    assert "문자를 그만 받을까요?" in asked.text
    assert f"••••\N{NO-BREAK SPACE}{number[-4:]}" in asked.text
    assert asked.headers["Referrer-Policy"] == "same-origin"
    assert asked.headers["Cache-Control"] == "no-store"
    kept = "select reason from suppressions where phone_hash = %s"
    mine = (PhoneKeys(settings).fingerprint(number),)
    assert owner_connection.execute(kept, mine).fetchone() is None
    done = stranger.press(f"{path}/stop", f"{path}/stop")
    assert "더 이상 검색 문자를 보내지 않아요" in done.text
    assert owner_connection.execute(kept, mine).fetchone() == ("link",)
    home = person.get("/").text
    assert "You stopped our texts" in home
    assert 'name="text_me"' not in home
    next_id = person.search(files / "coffee.jpg", categories="bag", text_me="yes")
    page = person.get(f"/jobs/{next_id}").text
    assert "You stopped our texts" in page
    assert "You can close the app" not in page
    row = owner_connection.execute("select notify from jobs where id = %s", (next_id,)).fetchone()
    assert row == ("none",)
    person.press(f"/jobs/{next_id}", "/texts/on")
    assert owner_connection.execute(kept, mine).fetchone() is None
    assert "You stopped our texts" not in person.get("/").text


def test_a_shared_link_stops_nothing(
    visit: Visit, texted_job: tuple[Any, str, UUID], link_of: Callable[..., str]
) -> None:
    """Who was only shown a result has no say over the owner's texts; nor has a dead link."""
    _, _, job_id = texted_job
    shared = link_of(job_id, "share")
    assert "stop-texts" not in visit().get(shared).text
    assert visit().get(f"{shared}/stop").status_code == 404
    assert visit().get("/r/" + "A" * 22 + "/stop").status_code == 404


def test_stopping_needs_the_form_of_this_site(
    visit: Visit, texted_job: tuple[Any, str, UUID], link_of: Callable[..., str]
) -> None:
    """Another site cannot make a browser press the button."""
    _, _, job_id = texted_job
    path = link_of(job_id)
    answer = visit().client.post(
        f"{path}/stop",
        base_url="http://127.0.0.1:8000",
        headers={"Origin": "https://evil.example", "Accept": "text/html"},
    )
    assert answer.status_code == 403


def test_a_program_is_told_that_the_number_wants_no_texts(
    app: Flask,
    database: Database,
    settings: Settings,
    texted_job: tuple[Any, str, UUID],
    owner_connection: psycopg.Connection,
) -> None:
    """A clear refusal instead of a job whose text never comes."""
    _, number, job_id = texted_job
    owner_connection.execute(
        "insert into suppressions (phone_hash, reason) values (%s, 'reply')",
        (PhoneKeys(settings).fingerprint(number),),
    )
    row = owner_connection.execute("select owner_id from jobs where id = %s", (job_id,)).fetchone()
    assert row is not None
    token = make_token(database, Person(row[0]))
    answer = app.test_client().post(
        "/api/v1/jobs",
        json={"kind": "count_slowly", "notify": "sms"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "texts_stopped"
    assert answer.get_json()["errors"][0]["field"] == "notify"


@pytest.mark.parametrize("code", [*CODES, "opted_out", "daily_limit", "cap_number", "other_word"])
@pytest.mark.parametrize("status", ["failed", "undelivered"])
def test_each_code_has_its_words_on_the_page_in_the_api_and_in_the_timeline(
    app: Flask,
    database: Database,
    texted_job: tuple[Any, str, UUID],
    owner_connection: psycopg.Connection,
    code: str,
    status: str,
) -> None:
    """Both languages; what to do where something can be done; nothing of the carrier's jargon."""
    person, _, job_id = texted_job
    row = owner_connection.execute(
        "update notifications set status = %s, error_code = %s where job_id = %s"
        " returning owner_id",
        (status, code, job_id),
    ).fetchone()
    assert row is not None
    headers = {"Authorization": f"Bearer {make_token(database, Person(row[0]))}"}
    job = app.test_client().get(f"/api/v1/jobs/{job_id}", headers=headers).get_json()
    assert (job["notification"]["status"], job["notification"]["code"]) == (status, code)
    said = job["notification"]["message"]
    assert code not in said
    assert said in person.get(f"/jobs/{job_id}").text
    events = (
        app.test_client()
        .get(f"/api/v1/jobs/{job_id}/timeline", headers=headers | {"Accept-Language": "ko"})
        .get_json()["events"]
    )
    assert events[-1]["event"] == f"text_{status}"
    assert "문자" in events[-1]["text"] or "번호" in events[-1]["text"]
    if code not in EXPLAINED:
        assert "text" in said.lower()


def test_arrival_is_told(
    texted_job: tuple[Any, str, UUID], owner_connection: psycopg.Connection
) -> None:
    """Sent is one thing, arrived another."""
    person, _, job_id = texted_job
    owner_connection.execute(
        "update notifications set status = 'sent', sent_at = now() where job_id = %s", (job_id,)
    )
    assert "We texted the link to" in person.get(f"/jobs/{job_id}").text
    owner_connection.execute(
        "update notifications set status = 'delivered', delivered_at = now() where job_id = %s",
        (job_id,),
    )
    page = person.get(f"/jobs/{job_id}").text
    assert "has arrived at" in page
    assert page.index("The text with the link was sent.") < page.index("has arrived.")
