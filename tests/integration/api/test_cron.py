"""The door for a cron outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import redis
from cast import Person, make_person
from factories import just_now, make_search
from flask.testing import FlaskClient
from pydantic import SecretStr

from models import Database, Settings
from models.errors import SettingsError

NEW, OLD = "n" * 40, "o" * 40
AT = "/api/v1/cron/saved-searches"


@pytest.fixture
def fresh(
    settings: Settings, owner_connection: psycopg.Connection, patient_limits: None
) -> Iterator[None]:
    """No searches and no counts of calls that other tests left."""
    owner_connection.execute("delete from saved_searches")
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        client.flushall()
        yield
        client.flushall()


@pytest.fixture
def cron(make_app: Any, fresh: None) -> FlaskClient:
    """An outside cron and a server in the middle of a rotation of its secret."""
    app = make_app(cron_secret=SecretStr(NEW), cron_secret_before=SecretStr(OLD))
    client: FlaskClient = app.test_client()
    return client


def _call(client: FlaskClient, secret: str | None) -> Any:
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    return client.post(AT, headers=headers)


def test_a_row_for_everybody_who_saved_a_search(
    cron: FlaskClient, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers with counts when the rows are there, and a repeated call makes no more.

    Demand: 004-4, 004-35, 004-37
    """
    monkeypatch.setattr("webapp.resources.crons.RUN_SECONDS", 30.0)  # all in one call
    people = [make_person(database) for _ in range(25)]
    for person in people:
        make_search(database, settings, person.id, **just_now())
    answer = _call(cron, NEW)
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == {"due": 25, "enqueued": 25, "skipped": 0, "done": True}
    for person in people:
        with database.owner(person.id) as session:
            jobs = session.connection().exec_driver_sql("select source from jobs").fetchall()
        assert [job.source for job in jobs] == ["schedule"]
    assert _call(cron, NEW).get_json() == {"due": 0, "enqueued": 0, "skipped": 0, "done": True}


@pytest.mark.parametrize(
    ("secret", "status", "code"),
    [
        (NEW, 200, None),
        (OLD, 200, None),  # valid until the cron has the new one
        (None, 401, "cron_secret_missing"),
        ("", 401, "cron_secret_missing"),
        ("w" * 40, 401, "cron_secret_wrong"),
        (NEW[:-1], 401, "cron_secret_wrong"),
        ("ünïcode", 401, "cron_secret_wrong"),
    ],
)
def test_who_may_come_in(
    cron: FlaskClient, secret: str | None, status: int, code: str | None
) -> None:
    """The secret of now and the one before; nothing else. Demand: 004-7, 004-37"""
    answer = _call(cron, secret)
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.get_json()["code"] == code
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_after_the_rotation_the_old_secret_is_over(make_app: Any, fresh: None) -> None:
    """Demand: 004-7."""
    client = make_app(cron_secret=SecretStr(NEW)).test_client()
    assert _call(client, OLD).status_code == 401
    assert _call(client, NEW).status_code == 200


def test_without_a_secret_the_door_is_closed(make_app: Any, fresh: None) -> None:
    """Also to somebody who sends nothing."""
    client = make_app().test_client()
    for secret in (None, "", "x" * 40):
        answer = _call(client, secret)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "cron_off")


def test_a_token_of_a_person_opens_it_not(cron: FlaskClient, token_a: str) -> None:
    """It is a door of the server's, not of an account."""
    assert _call(cron, token_a).get_json()["code"] == "cron_secret_wrong"


def test_a_hundred_calls_at_once(
    cron: FlaskClient, database: Database, settings: Settings, person_a: Person
) -> None:
    """Some are let through, the rest is told when to come again; the slot runs once."""
    make_search(database, settings, person_a.id, **just_now())
    app = cron.application
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: _call(app.test_client(), NEW), range(100)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[200] + statuses[429] == 100 and 1 <= statuses[200] <= 12
    assert sum(a.get_json()["enqueued"] for a in answers if a.status_code == 200) == 1
    assert all(int(a.headers["Retry-After"]) > 0 for a in answers if a.status_code == 429)


def test_guessing_is_slow(cron: FlaskClient) -> None:
    """After a few wrong secrets an address waits; the right one is no guess and works all along."""
    statuses = [_call(cron, f"{n:040}").status_code for n in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert _call(cron, NEW).status_code == 200


@pytest.mark.parametrize("secret", ["비밀" * 20, "a space " * 5, "short"])
def test_a_secret_no_header_carries_is_refused_at_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """It would never open the door, and nobody would know why."""
    monkeypatch.setenv("CRON_SECRET", secret)
    with pytest.raises(SettingsError, match="CRON_SECRET"):
        Settings.from_env()
