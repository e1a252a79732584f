"""Proving a phone on the pages: codes, whose account it makes this, and what is let through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import MANY, close_app
from factories import claim_job, new_number, read_job
from flask import Flask
from sqlalchemy import event

from models import Database, Job, JobStatus, Settings
from models.phone import PhoneKeys
from models.verification_code import code_of
from webapp import create_app
from webapp.db import WebDatabase

Visit = Callable[..., Any]


@pytest.fixture
def owner_of(owner_connection: psycopg.Connection) -> Callable[[UUID], UUID]:
    """Return whose a job is."""

    def look(job_id: UUID) -> UUID:
        row = owner_connection.execute(
            "select owner_id from jobs where id = %s", (job_id,)
        ).fetchone()
        assert row is not None
        return row[0]

    return look


def test_a_number_typed_with_a_search_is_proven_beside_it(
    visit: Visit, files: Path, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """The search begins at once; the promise stands there only after the code was typed back.

    Demand: 000-29, 000-30, 001-12
    """
    person = visit("ko")
    job_id = person.search(files / "coffee.jpg", country="KR", phone=new_number())
    page = f"/jobs/{job_id}"
    before = person.get(page).text
    assert "여섯 자리 인증번호를 보냈어요" in before
    assert "앱을 닫거나 휴대폰을 잠가도 괜찮아요!" not in before
    assert person.type_code(settings, page).headers["Location"] == page
    after = person.get(page).text
    assert "여섯 자리 인증번호를 보냈어요" not in after
    assert "앱을 닫거나 휴대폰을 잠가도 괜찮아요!" in after
    row = owner_connection.execute(
        "select notify, phone_ciphertext, settled_at is not null from jobs join"
        " verification_codes on job_id = jobs.id where jobs.id = %s",
        (job_id,),
    ).fetchone()
    assert row == ("sms", None, True)


def test_five_wrong_codes_and_the_right_one_is_worth_nothing(
    visit: Visit, files: Path, settings: Settings
) -> None:
    """Each is told; nothing of the search is lost; a new code may be sent."""
    person = visit()
    job_id = person.search(files / "coffee.jpg", country="KR", phone=new_number())
    page = f"/jobs/{job_id}"
    shown = person.get(page).text
    code_id = UUID(shown.split('action="/verification/')[1][:36])
    right = code_of(settings, code_id)
    wrong = f"{(int(right) + 1) % 10**6:06}"
    for _ in range(4):
        answer = person.type_code(settings, page, wrong)
        assert answer.headers["Location"] == f"{page}?code=wrong"
    assert "That is not the code." in person.get(f"{page}?code=wrong").text
    assert person.type_code(settings, page, wrong).headers["Location"] == f"{page}?code=too_many"
    csrf = {"csrf_token": shown.split('name="csrf_token" value="')[1].split('"')[0]}
    answer = person.post(f"/verification/{code_id}", code=right, **csrf)
    assert answer.headers["Location"] == f"{page}?code=too_many"
    over = person.get(page).text
    assert "That was wrong five times." in over
    assert 'name="code"' not in over
    assert "You can close the app" not in over


def test_an_old_code_and_one_of_somebody_else_prove_nothing(
    visit: Visit, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """Ten minutes, and only in the browser that asked."""
    person, other = visit(), visit()
    answer = person.press("/sign-in", "/sign-in", country="KR", phone=new_number())
    page = answer.headers["Location"]
    code_id = UUID(page.rsplit("/", 1)[1])
    other.get("/sign-in")
    assert other.get(page).status_code == 404
    owner_connection.execute(
        "update verification_codes set expires_at = now() - interval '1 s' where id = %s",
        (code_id,),
    )
    shown = person.get("/sign-in").text
    csrf = {"csrf_token": shown.split('name="csrf_token" value="')[1].split('"')[0]}
    code = code_of(settings, code_id)
    answer = person.post(f"/verification/{code_id}", code=code, **csrf)
    assert answer.headers["Location"] == f"{page}?code=expired"
    assert "This code is too old." in person.get(page).text


def test_asked_again_at_once_it_is_the_same_code(
    visit: Visit, owner_connection: psycopg.Connection
) -> None:
    """Two taps send one text."""
    person, number = visit(), new_number()
    pages = {
        person.press("/sign-in", "/sign-in", country="KR", phone=number).headers["Location"]
        for _ in range(3)
    }
    assert len(pages) == 1


def test_a_second_browser_with_the_same_phone_is_the_same_person(
    visit: Visit,
    files: Path,
    settings: Settings,
    database: Database,
    owner_of: Callable[[UUID], UUID],
) -> None:
    """What runs in the first is seen in the second, with the same progress. Demand: 004-24"""
    first, second = visit(), visit()
    number = first.sign_in(settings)
    job_id = first.search(files / "coffee.jpg")
    claim = claim_job(database, job_id)
    assert second.get(f"/jobs/{job_id}").status_code == 404
    second.sign_in(settings, number)
    assert f"/jobs/{job_id}" in second.get("/").text
    page = second.get(f"/jobs/{job_id}")
    assert page.status_code == 200
    assert (read_job(database, owner_of(job_id), job_id).attempt, claim.attempt) == (1, 1)


def test_two_accounts_become_one_while_a_search_runs(
    visit: Visit,
    files: Path,
    settings: Settings,
    database: Database,
    owner_of: Callable[[UUID], UUID],
    owner_connection: psycopg.Connection,
) -> None:
    """The job goes on under the same fence; its events, photo and key come along."""
    known, anonymous = visit(), visit()
    number = known.sign_in(settings)
    old = known.search(files / "coffee.jpg")
    running = anonymous.search(files / "coffee.jpg", categories="drink")
    before = owner_of(running)
    claim = claim_job(database, running)
    owner_connection.execute(
        "update jobs set idempotency_key = 'the same' where id in (%s, %s)", (old, running)
    )
    anonymous.sign_in(settings, number)
    assert owner_of(running) == owner_of(old) != before
    left = owner_connection.execute("select count(*) from users where id = %s", (before,))
    assert left.fetchone() == (0,)
    keys = owner_connection.execute(
        "select id, idempotency_key from jobs where id in (%s, %s)", (old, running)
    ).fetchall()
    assert dict(keys) == {old: "the same", running: None}
    with database.worker() as session:
        claim.succeed(session, {"products": []}, result_count=0)
    with database.owner(owner_of(old)) as session:
        job = session.get_one(Job, running)
        assert (job.status, job.attempt, job.fence) == (JobStatus.SUCCEEDED, 1, claim.fence)
    for page in (f"/jobs/{old}", f"/jobs/{running}"):
        assert anonymous.get(page).status_code == 200
        assert known.get(page).status_code == 200
    events = owner_connection.execute(
        "select count(distinct owner_id), count(*) from job_events where job_id = %s", (running,)
    ).fetchone()
    assert events is not None
    assert events[0] == 1
    assert events[1] >= 3


def test_a_shared_browser_changes_accounts_and_pours_nothing_together(
    visit: Visit, files: Path, settings: Settings, owner_of: Callable[[UUID], UUID]
) -> None:
    """Two people with a phone each stay two, whoever signs in where."""
    one, two = visit(), visit()
    one.sign_in(settings)
    second_number = two.sign_in(settings)
    mine, theirs = one.search(files / "coffee.jpg"), two.search(files / "coffee.jpg")
    one.sign_in(settings, second_number)
    assert one.get(f"/jobs/{theirs}").status_code == 200
    assert one.get(f"/jobs/{mine}").status_code == 404
    assert owner_of(mine) != owner_of(theirs)


def test_a_new_number_takes_the_place_of_the_old(
    visit: Visit, files: Path, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """By “Change number”: the account stays; the old number is nobody's, another may prove it."""
    person, other = visit(), visit()
    old = person.sign_in(settings)
    job_id = person.search(files / "coffee.jpg")
    assert 'href="/sign-in?another"' in person.get("/account").text
    new = person.sign_in(settings, page="/sign-in?another")
    assert person.get(f"/jobs/{job_id}").status_code == 200
    other.sign_in(settings, old)
    assert other.get(f"/jobs/{job_id}").status_code == 404
    keys = PhoneKeys(settings)
    rows = owner_connection.execute(
        "select count(*) from users where phone_hash = any(%s) and phone_verified_at is not null",
        ([keys.fingerprint(old), keys.fingerprint(new)],),
    ).fetchone()
    assert rows == (2,)


def test_signing_in_with_a_new_number_leaves_the_account_of_another_alone(
    visit: Visit, files: Path, settings: Settings
) -> None:
    """On a shared browser: somebody else's first sign-in makes them an account of their own."""
    browser, elsewhere = visit(), visit()
    old = browser.sign_in(settings)
    job_id = browser.search(files / "coffee.jpg")
    browser.sign_in(settings)
    assert browser.get(f"/jobs/{job_id}").status_code == 404
    elsewhere.sign_in(settings, old)
    assert elsewhere.get(f"/jobs/{job_id}").status_code == 200


def test_a_token_made_before_a_number_was_proven_is_worth_nothing_after(
    visit: Visit, files: Path, settings: Settings
) -> None:
    """Whoever had the browser before cannot come back with a token; one made after stays good."""

    def make_token() -> str:
        page = person.press("/account", "/account/tokens", name="mine").text
        return page.split('id="new-token" value="')[1].split('"')[0]

    def answer(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return int(visit().client.get("/api/v1/jobs", headers=headers).status_code)

    person = visit()
    person.search(files / "coffee.jpg")
    early = make_token()
    assert answer(early) == 200
    number = person.sign_in(settings)
    assert answer(early) == 401
    late = make_token()
    person.sign_in(settings, number)
    assert answer(late) == 200

    second = visit()
    second.search(files / "coffee.jpg")
    person = second
    planted = make_token()
    second.sign_in(settings, number)  # becomes part of the first one's account
    assert answer(planted) == 401
    assert answer(late) == 200


def test_a_program_does_not_change_a_proven_number(visit: Visit, settings: Settings) -> None:
    """Who has a token only cannot take the account over with a phone of their own."""
    person = visit()
    person.sign_in(settings)
    page = person.press("/account", "/account/tokens", name="mine").text
    token = page.split('id="new-token" value="')[1].split('"')[0]
    program = visit().client
    headers = {"Authorization": f"Bearer {token}"}
    asked = program.post(
        "/api/v1/phone-verifications", json={"phone": new_number()}, headers=headers
    )
    assert asked.status_code == 202, asked.text
    code_id = UUID(asked.json["id"])
    proof = program.post(
        f"/api/v1/phone-verifications/{code_id}/attempts",
        json={"code": code_of(settings, code_id)},
        headers=headers,
    )
    assert (proof.status_code, proof.json["code"]) == (409, "phone_kept")


def test_the_old_secret_of_a_browser_is_worth_nothing_after_signing_in(
    visit: Visit, files: Path, settings: Settings
) -> None:
    """Whoever had copied its cookie before is a stranger after."""
    person, thief = visit(), visit()
    job_id = person.search(files / "coffee.jpg")
    cookie = person.client.get_cookie("textback", domain="127.0.0.1")
    person.sign_in(settings)
    thief.client.set_cookie("textback", cookie.value, domain="127.0.0.1")
    assert person.get(f"/jobs/{job_id}").status_code == 200
    assert thief.get(f"/jobs/{job_id}").status_code == 404


def test_a_known_number_and_an_unknown_one_cannot_be_told_apart(
    visit: Visit, app: Flask, settings: Settings
) -> None:
    """The same answer, after the same statements."""
    known = visit().sign_in(settings)
    statements: list[str] = []
    engine = app.extensions["textback.database"].engine
    assert isinstance(app.extensions["textback.database"], WebDatabase)

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    def ask(number: str) -> tuple[str, list[str], str]:
        person = visit()
        person.search_free = person.get("/sign-in").text
        person.press("/sign-in", "/sign-in", country="KR", phone=new_number())
        statements.clear()
        answer = person.press("/sign-in", "/sign-in", country="KR", phone=number)
        done = list(statements)
        page = person.get(answer.headers["Location"]).text
        words = page.split('id="verify-title"')[1].split("<form")[0].replace(number[-4:], "")
        return str(answer.status_code), done, words

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert ask(known) == ask(new_number())
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_country_that_is_not_texted_is_named(visit: Visit, files: Path) -> None:
    """At the field, before anything begins. Demand: 000-12"""
    person = visit()
    with (files / "coffee.jpg").open("rb") as photo:
        answer = person.send(image=(photo, "a.jpg"), country="FR", phone="+33 6 12 34 56 78")
    assert answer.status_code == 422
    assert "We cannot text numbers of this country yet: France." in answer.text
    assert person.press("/sign-in", "/sign-in", phone="+33612345678").status_code == 422


@pytest.fixture
def capped(settings: Settings) -> Iterator[Flask]:
    """The application with the caps that hold unless others are set."""
    app = create_app(settings.model_copy(update={"submits_per_minute": MANY}))
    yield app
    close_app(app)


@pytest.mark.parametrize(
    ("what", "let_through"),
    [("one address, one number", 5), ("one address, many numbers", 20), ("one number", 5)],
)
def test_two_hundred_requests_for_codes(
    capped: Flask,
    settings: Settings,
    owner_connection: psycopg.Connection,
    what: str,
    let_through: int,
) -> None:
    """How many are let through, whoever asks for them; the operator hears of it once a cap."""
    owner_connection.execute("delete from daily_counters")
    owner_connection.execute("delete from operator_events where event = 'cap_hit'")
    number = new_number()
    owner_connection.execute("update verification_codes set created_at = now() - interval '1 day'")
    statuses = []
    for request in range(200):
        client = capped.test_client()
        home = "http://127.0.0.1:8000"
        form = client.get("/sign-in", base_url=home).text
        token = form.split('name="csrf_token" value="')[1].split('"')[0]
        address = f"198.51.100.{request % 250}" if what == "one number" else "203.0.113.9"
        asked = new_number() if "many" in what else number
        answer = client.post(
            "/sign-in",
            base_url=home,
            data={"csrf_token": token, "country": "KR", "phone": asked},
            headers={"Origin": home, "Accept": "text/html"},
            environ_overrides={"REMOTE_ADDR": address},
        )
        statuses.append(answer.status_code)
    print(f"{what}: {statuses.count(303)} of {len(statuses)} let through")
    assert statuses.count(303) == let_through
    assert statuses.count(422) == 200 - let_through
    told = owner_connection.execute(
        "select subject, count(*) from operator_events where event = 'cap_hit' group by subject"
    ).fetchall()
    # What one cap refuses does not count against the others.
    hit = {"one address, many numbers": {"code_address"}}
    assert {scope for scope, _ in told} == hit.get(what, {"code_number"})
    assert {times for _, times in told} == {1}
