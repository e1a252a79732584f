"""What is A's is as good as not there for B, and for nobody at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from api_client import Api
from factories import claim_job
from flask import Flask

from models import BrowserSession, Database

OF_A_JOB = (
    "jobs/{id}",
    "jobs/{id}?wait=1",
    "jobs/{id}/result",
    "jobs/{id}/events",
    "jobs/{id}/timeline",
)


@pytest.mark.parametrize("path", OF_A_JOB)
def test_somebody_elses_job_is_answered_like_none(
    a: Api, b: Api, database: Database, path: str
) -> None:
    """Demand: 002-25, 002-32, 004-11."""
    job = a.submit()
    unknown = str(uuid4())
    for status in ("queued", "running", "ended"):
        if status == "running":
            claim = claim_job(database, UUID(job["id"]))
        elif status == "ended":
            with database.worker() as session:
                claim.succeed(session, {"counted": 1}, result_count=1)
        theirs = b.get(path.format(id=job["id"]))
        none = b.get(path.format(id=unknown))
        assert theirs.status_code == none.status_code == 404
        assert theirs.text.replace(job["id"], "X") == none.text.replace(unknown, "X")
        assert theirs.get_json()["code"] == "job_not_found"
        assert dict(theirs.headers) == dict(none.headers)


def test_lists_hold_only_what_is_ones_own(a: Api, b: Api) -> None:
    """Demand: 002-16, 002-25, 004-48."""
    mine, theirs = a.submit()["id"], b.submit()["id"]
    assert mine in (listed := [job["id"] for job in a.get("jobs").get_json()["jobs"]])
    assert theirs not in listed
    assert [job["id"] for job in b.get("jobs").get_json()["jobs"]] == [theirs]


@pytest.mark.parametrize("path", ["jobs", *OF_A_JOB])
@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "token_missing"),
        ("Basic YTpi", "token_missing"),
        ("Bearer", "token_invalid"),
        ("Bearer tb_wrong", "token_invalid"),
        ("Bearer " + "x" * 5000, "token_invalid"),
        ("Bearer \u00ff\u00fe", "token_invalid"),
    ],
)
def test_without_a_right_token_there_is_nothing(
    a: Api, stranger: Api, path: str, header: str | None, code: str
) -> None:
    job = a.submit()
    headers = {} if header is None else {"Authorization": header}
    answer = stranger.get(path.format(id=job["id"]), headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.mimetype == "application/problem+json"


def test_submits_and_uploads_need_a_token(stranger: Api, files: Path) -> None:
    photo = (files / "coffee.jpg").read_bytes()
    for answer in (
        stranger.post("jobs", json={"kind": "count_slowly"}),
        stranger.post("jobs", data=b"{", content_type="application/json"),
        stranger.post("uploads", data={"file": (io.BytesIO(photo), "photo.jpg")}),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token_missing")


def test_a_revoked_token_is_a_wrong_one(a: Api, owner_connection: psycopg.Connection) -> None:
    assert a.get("jobs").status_code == 200
    owner_connection.execute(
        "update api_tokens set revoked_at = now() where owner_id = %s", [a.person_id]
    )
    answer = a.get("jobs")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token_invalid")


def test_tokens_are_kept_only_as_hashes(a: Api, owner_connection: psycopg.Connection) -> None:
    rows = owner_connection.execute(
        "select t::text from api_tokens t where owner_id = %s", [a.person_id]
    ).fetchall()
    assert len(rows) == 1
    assert a.token is not None
    assert a.token not in rows[0][0]
    assert a.token[3:] not in rows[0][0]


@pytest.fixture
def browser(app: Flask, a: Api, database: Database) -> Api:
    """A, in a signed-in browser."""
    assert a.person_id is not None
    with database.owner(a.person_id) as session:
        secret = BrowserSession.start(session, a.person_id)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["secret"] = secret
    return Api(client, None, a.person_id)


def test_a_browser_reads_the_api_by_its_cookie(a: Api, b: Api, browser: Api) -> None:
    job, other = a.submit(), b.submit()
    assert browser.get(job["links"]["self"]).status_code == 200
    assert browser.get("jobs").get_json()["jobs"][0]["id"] == job["id"]
    stream = browser.get(job["links"]["events"])
    assert stream.status_code == 200
    stream.close()
    assert browser.get(other["links"]["self"]).status_code == 404


def test_a_cookie_changes_nothing_over_the_api(browser: Api, a: Api) -> None:
    """No other site can make a browser submit: what changes something needs a token."""
    job = a.submit()
    for origin in ("https://evil.example", "http://localhost"):
        for path in ("cancellation", "reruns"):
            answer: Any = browser.post(f"{job['links']['self']}/{path}", headers={"Origin": origin})
            assert (answer.status_code, answer.get_json()["code"]) == (401, "token_missing")
        for more in (
            {"json": {"kind": "count_slowly"}},
            {"data": {"kind": "count_slowly"}, "content_type": "multipart/form-data"},
        ):
            answer = browser.post("jobs", headers={"Origin": origin}, **more)
            assert (answer.status_code, answer.get_json()["code"]) == (401, "token_missing")
    listed = a.get("jobs").get_json()["jobs"]
    assert [(one["id"], one["status"]) for one in listed] == [(job["id"], "queued")]


def test_a_signed_out_browser_is_a_stranger(
    browser: Api, owner_connection: psycopg.Connection
) -> None:
    assert browser.get("jobs").status_code == 200
    owner_connection.execute(
        "update sessions set revoked_at = now() where owner_id = %s", [browser.person_id]
    )
    assert browser.get("jobs").status_code == 401


def test_a_forged_cookie_is_a_stranger(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("textback", "eyJzZWNyZXQiOiJ4In0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert Api(client, None).get("jobs").status_code == 401
