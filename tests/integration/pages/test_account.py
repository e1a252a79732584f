"""The account page, without scripts: what a person has here, and what they do to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from models import ApiToken, BrowserSession, Database, Job, Settings, User
from models.account import hash_secret

Visit = Callable[..., Any]
ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture
def somebody(visit: Visit, files: Path) -> Any:
    """A browser with an account and no number."""
    visitor = visit()
    visitor.search(files / "coffee.jpg")
    return visitor


def test_a_browser_without_an_account_is_told_how_to_get_one(visit: Visit) -> None:
    page = visit().get("/account")
    assert page.status_code == 200
    assert "This browser has no account yet" in page.text
    assert 'action="/account' not in page.text
    assert "Set-Cookie" not in page.headers


def test_an_account_without_a_number_is_told_what_one_gives(somebody: Any) -> None:

    page = somebody.get("/account").text
    assert "Add a number" in page and "no other way back" in page
    assert 'action="/account/texts"' not in page
    assert 'href="/account"' in somebody.get("/").text


def test_the_number_is_masked_and_texts_are_stopped_and_turned_on_again(
    visit: Visit, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    one = visit()
    number = one.sign_in(settings)
    page = one.get("/account").text
    assert number[-4:] in page and number[3:] not in page
    assert one.press("/account", "/account/texts").status_code == 303
    assert "Texts to this number are stopped" in one.get("/account").text
    reasons = owner_connection.execute(
        "select reason from suppressions join users using (phone_hash)"
        " where phone_last_digits = %s",
        (number[-4:],),
    ).fetchall()
    assert reasons == [("account",)]
    one.press("/account", "/account/texts")
    assert "Stop all texts" in one.get("/account").text


def test_a_browser_is_signed_out_from_another(visit: Visit, settings: Settings) -> None:
    """Both have the account by its number; what one ends, the other is not any more."""
    here, there, third = visit(), visit(), visit()
    number = here.sign_in(settings)
    there.sign_in(settings, number)
    third.sign_in(settings, number)
    page = here.get("/account").text
    assert page.count("This one") == 1
    ends = re.findall(r'action="(/account/sessions/[\w-]{36}/end)"', page)
    assert len(ends) == 3  # this browser may sign out as well
    here.press("/account", "/account/sessions/end-others")
    assert "This browser has no account" in there.get("/account").text
    assert "This browser has no account" in third.get("/account").text
    assert "This one" in here.get("/account").text


def test_a_token_is_shown_once_and_revoked(somebody: Any) -> None:
    answer = somebody.press("/account", "/account/tokens", name="a script")
    (secret,) = re.findall(r'value="(tb_[\w-]+)"', answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    page = somebody.get("/account").text
    assert "a script" in page and secret not in page
    api = {"Authorization": f"Bearer {secret}"}
    assert somebody.client.get("/api/v1/me", headers=api).status_code == 200
    (action,) = re.findall(r'action="(/account/tokens/[\w-]{36}/revoke)"', page)
    somebody.press("/account", action)
    assert "a script" not in somebody.get("/account").text
    assert somebody.client.get("/api/v1/me", headers=api).status_code == 401


def test_a_token_needs_a_name(somebody: Any) -> None:
    answer = somebody.press("/account", "/account/tokens", name="  ")
    assert answer.status_code == 422
    assert "Give it a name" in answer.text


def test_the_time_zone_is_chosen_and_guessed_only_while_there_is_none(somebody: Any) -> None:
    def chosen() -> str:
        return re.findall(r'<option value="([^"]+)" selected', somebody.get("/account").text)[0]

    assert "zone.js" in somebody.get("/").text
    fields = somebody.fields("/account", "/account/time-zone")
    guess = somebody.post("/account/time-zone", **fields, time_zone="Asia/Seoul", guess="yes")
    assert guess.status_code == 204
    assert chosen() == "Asia/Seoul"
    assert "zone.js" not in somebody.get("/").text
    somebody.post("/account/time-zone", **fields, time_zone="Europe/Berlin", guess="yes")
    assert chosen() == "Asia/Seoul"
    somebody.post("/account/time-zone", **fields, time_zone="Europe/Berlin")
    assert chosen() == "Europe/Berlin"
    somebody.post("/account/time-zone", **fields, time_zone="Mars/Olympus")
    assert chosen() == "Europe/Berlin"


def test_everything_is_downloaded(somebody: Any, settings: Settings, files: Path) -> None:
    number = somebody.sign_in(settings)
    job_id = somebody.search(files / "coffee.jpg")
    answer = somebody.get("/account/export")
    assert "attachment" in answer.headers["Content-Disposition"]
    everything = json.loads(answer.text)
    assert everything["account"]["phone"] == number
    assert str(job_id) in [job["id"] for job in everything["jobs"]]


def test_an_account_is_erased_after_being_asked_once_more(
    somebody: Any,
    visit: Visit,
    settings: Settings,
    files: Path,
    database: Database,
    owner_connection: psycopg.Connection,
) -> None:
    """The same phone again is a new account, and one that wanted no texts is still left alone."""
    number = somebody.sign_in(settings)
    other = visit()
    other.sign_in(settings, number)
    job_id = somebody.search(files / "coffee.jpg")
    somebody.press("/account", "/account/texts")
    (owner,) = owner_connection.execute(
        "select owner_id from jobs where id = %s", (job_id,)
    ).fetchone()  # type: ignore[misc]
    asked = somebody.get("/account/erasure")
    assert "What goes" in asked.text and "What stays" in asked.text
    fields = somebody.fields("/account/erasure", "/account/erasure")
    assert fields.pop("sure") == "yes"
    assert somebody.post("/account/erasure", **fields).status_code == 303  # unasked: nothing
    assert somebody.get(f"/jobs/{job_id}").status_code == 200
    erased = somebody.post("/account/erasure", **fields, sure="yes")
    assert "Your account is erased" in erased.text
    assert 'href="/account"' not in erased.text
    for browser in (somebody, other):
        assert browser.get(f"/jobs/{job_id}").status_code == 404
        assert "This browser has no account" in browser.get("/account").text
    with database.operator() as session:
        assert session.get_one(User, owner).erased_at is not None
    somebody.sign_in(settings, number)
    assert "Texts to this number are stopped" in somebody.get("/account").text
    assert "coffee" not in somebody.get("/jobs").text
    (new_owner,) = owner_connection.execute(
        "select id from users where phone_last_digits = %s and phone_verified_at is not null",
        (number[-4:],),
    ).fetchone()  # type: ignore[misc]
    assert new_owner != owner


@pytest.mark.parametrize(
    "path",
    [
        "/account/texts",
        "/account/time-zone",
        "/account/tokens",
        "/account/sessions/end-others",
        "/account/erasure",
    ],
)
def test_no_other_site_changes_an_account(somebody: Any, path: str) -> None:

    somebody.get("/account")
    without_token = somebody.client.post(
        path, base_url=ORIGIN, data={"sure": "yes"}, headers={"Origin": ORIGIN}
    )
    assert without_token.status_code == 403
    fields = somebody.fields("/account", "/account/tokens")
    elsewhere = somebody.client.post(
        path, base_url=ORIGIN, data=fields, headers={"Origin": "https://elsewhere.example"}
    )
    assert elsewhere.status_code == 403


def test_nobody_touches_what_is_anothers(
    somebody: Any, visit: Visit, files: Path, database: Database
) -> None:
    """B's buttons with A's ids do nothing."""
    job_id = somebody.search(files / "coffee.jpg")
    with database.operator() as session:
        owner = session.get_one(Job, job_id).owner_id
        session_id = session.query(BrowserSession).filter_by(owner_id=owner).one().id
    with database.owner(owner) as session:
        secret = ApiToken.create(session, owner, "A's")
    with database.gate(hash_secret(secret)) as session:
        token = ApiToken.find(session, hash_secret(secret))
    assert token is not None
    b = visit()
    b.search(files / "coffee.jpg")
    fields = b.fields("/account", "/account/tokens")
    b.post(f"/account/tokens/{token.id}/revoke", **fields)
    b.post(f"/account/sessions/{session_id}/end", **fields)
    b.post(f"/account/tokens/{uuid4()}/revoke", **fields)
    assert "A&#39;s" in somebody.get("/account").text
    assert "A&#39;s" not in b.get("/account").text
    assert str(job_id) not in b.get("/account/export").text
