"""Whatever goes wrong under /api is a problem document, soon, and never a false 202."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from api_client import Api, free_port, make_token
from cast import make_person
from factories import early_in_a_minute
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select, text

from models import Database, Job
from webapp.db import database as app_database


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/api/v2/jobs", 404, "not_found"),
        ("PUT", "/api/v1/jobs", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/kinds", 405, "method_not_allowed"),
        ("GET", "/api/v1/jobs/not-an-id", 422, "invalid_request"),
        ("GET", "/api/v1/jobs/123/result", 422, "invalid_request"),
        ("GET", "/api/v1/jobs/%00/events", 422, "invalid_request"),
        ("GET", "/products/not-an-id/picture", 404, "not_found"),
        ("GET", "/products/01234567-89ab-7def-8123-456789abcdef/picture", 404, "not_found"),
    ],
)
def test_flasks_own_errors_are_problem_documents(
    a: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = a.open(path, method=method)
    assert answer.mimetype == "application/problem+json"
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize("name", ["kind", "cursor", "status", "source"])
def test_odd_text_in_a_filter_is_named(a: Api, name: str) -> None:
    answer = a.get(f"jobs?{name}=a%00b")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.get_json()["errors"]] == [name]


@pytest.mark.parametrize(
    ("name", "field"),
    [("marks", "params.marks"), ("kind", "kind"), ("locale", "locale"), ("notify", "notify")],
)
def test_odd_text_in_a_form_is_named(a: Api, name: str, field: str) -> None:
    form = {"kind": "count_slowly", name: "a private word\0"}
    answer = a.post("jobs", data=form, content_type="multipart/form-data")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]
    assert "private" not in answer.text


def test_a_value_the_database_refuses_is_the_senders_mistake(
    make_app: Any, a: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """What slips through every check is still no error of ours, and the log keeps quiet of it."""
    app = make_app()

    def look() -> str:
        with app_database().owner(uuid4()) as session:
            session.scalars(select(Job).where(Job.kind == "a private word\0")).all()
        raise AssertionError

    app.add_url_rule("/api/v1/odd", view_func=look)
    answer = Api(app.test_client(), a.token).get("odd")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert "private" not in caplog.text + answer.text


def test_an_error_of_the_database_is_logged_without_its_values(
    make_app: Any, a: Api, caplog: pytest.LogCaptureFixture
) -> None:
    app, words = make_app(), ["private"]

    def look() -> str:
        with app_database().owner(uuid4()) as session:
            session.execute(text("select * from jobs where nothing = :word"), {"word": words[0]})
        raise AssertionError

    app.add_url_rule("/api/v1/odd", view_func=look)
    answer = Api(app.test_client(), a.token).get("odd")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert "UndefinedColumn" in caplog.text
    assert "private" not in caplog.text


def test_a_page_for_people_is_not_a_document(stranger: Api) -> None:
    answer = stranger.get("/nothing/at/all")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_what_nobody_foresaw_says_nothing_of_itself(make_app: Any, a: Api) -> None:
    app = make_app()

    def break_down() -> None:
        raise RuntimeError("a private detail")

    app.add_url_rule("/api/v1/broken", view_func=break_down)
    answer = Api(app.test_client(), a.token).get("broken")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert "private" not in answer.text


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def test_without_postgres_nothing_is_taken_in(make_app: Any, a: Api) -> None:
    """No memory to fall back to: 503, and when to come again."""
    app = make_app(database_url=SecretStr(f"postgresql://x:y@127.0.0.1:{free_port()}/nothing"))
    api = Api(app.test_client(), a.token)
    for request in (
        lambda: api.post("jobs", json={"kind": "count_slowly"}),
        lambda: api.get("jobs"),
        lambda: api.get("/readyz"),
    ):
        answer = request()
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert api.get("/healthz").status_code == 200


def test_dead_connections_are_replaced_unnoticed(
    a: Api, owner_connection: psycopg.Connection
) -> None:
    """Demand: 001-1. The database restarted, the pool holds only dead connections."""
    job = a.submit()
    ended = owner_connection.execute(
        "select pg_terminate_backend(pid, 10000)"  # which waits until it has ended
        " from pg_stat_activity where usename = 'textback_app'"
    ).fetchall()
    assert set(ended) == {(True,)}
    assert a.get(job["links"]["self"]).status_code == 200
    assert a.submit()["status"] == "queued"


def test_ready_and_alive(stranger: Api) -> None:
    assert stranger.get("/readyz").get_json() == {"status": "ok"}
    assert stranger.get("/healthz").get_json() == {"status": "ok"}


def limited(app: Flask, database: Database, address: str = "192.0.2.1", **headers: str) -> Any:
    """Return a function that submits from an address as somebody new, and tells the status."""
    api = Api(app.test_client(), make_token(database, make_person(database)))

    def submit() -> int:
        answer = api.post(
            "jobs",
            json={"kind": "count_slowly", "force": True},
            headers=headers,
            environ_base={"REMOTE_ADDR": address},
        )
        if answer.status_code == 429:
            assert answer.get_json()["code"] == "too_many_requests"
            assert 0 < int(answer.headers["Retry-After"]) <= 60
        return int(answer.status_code)

    return submit


@pytest.mark.usefixtures("patient_limits")
def test_an_account_submits_so_much_a_minute(make_app: Any, database: Database) -> None:
    """Demand: 002-34."""
    app = make_app(submits_per_minute=3)
    submit = limited(app, database, "192.0.2.10")
    assert [submit() for _ in range(4)] == [202, 202, 202, 429]


@pytest.mark.usefixtures("patient_limits")
def test_limits_are_shared_by_all_web_processes(
    make_app: Any, database: Database, person_a: Any
) -> None:
    apps = [make_app(submits_per_minute=4) for _ in range(2)]
    token = make_token(database, person_a)
    answers = [
        Api(apps[turn % 2].test_client(), token).post(
            "jobs",
            json={"kind": "count_slowly", "force": True},
            environ_base={"REMOTE_ADDR": f"192.0.2.{turn}"},
        )
        for turn in range(50, 56)
    ]
    assert [answer.status_code for answer in answers] == [202] * 4 + [429] * 2


@pytest.mark.usefixtures("patient_limits")
def test_an_address_submits_so_much_a_minute(make_app: Any, database: Database) -> None:
    app = make_app(submits_per_minute=5)
    people = [limited(app, database, "192.0.2.20") for _ in range(7)]
    assert [submit() for submit in people] == [202] * 5 + [429] * 2
    assert limited(app, database, "192.0.2.21")() == 202


@pytest.mark.usefixtures("patient_limits")
def test_the_address_is_told_by_trusted_proxies_alone(make_app: Any, database: Database) -> None:
    def statuses(app: Flask, address: str, forwarded: str) -> list[int]:
        return [
            limited(app, database, address, **{"X-Forwarded-For": forwarded.format(turn=turn)})()
            for turn in range(4)
        ]

    alone = make_app(submits_per_minute=2)
    assert statuses(alone, "192.0.2.30", "198.51.100.{turn}") == [202, 202, 429, 429]
    behind = make_app(submits_per_minute=2, trusted_proxies=1)
    assert statuses(behind, "192.0.2.31", "198.51.100.{turn}") == [202] * 4
    # What a caller writes in front of the proxy's own word counts for nothing.
    forged = "198.51.100.{turn}, 203.0.113.9"
    assert statuses(behind, "192.0.2.32", forged) == [202, 202, 429, 429]


@pytest.mark.parametrize("is_silent", [True, False])
def test_without_redis_submits_go_on_within_their_limits(
    make_app: Any, database: Database, silent_port: int, is_silent: bool
) -> None:
    port = silent_port if is_silent else free_port()
    app = make_app(submits_per_minute=3, redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
    submit = limited(app, database, "192.0.2.40")
    early_in_a_minute()  # by which the memory counts
    statuses = []
    for _ in range(4):
        began = time.monotonic()
        statuses.append(submit())
        assert time.monotonic() - began < 2  # of a Redis that never answers
    assert statuses == [202, 202, 202, 429]
