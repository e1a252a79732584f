"""Requests that are sent again, and questions that are asked twice."""

from __future__ import annotations

import io
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import Api, Web, start_web
from factories import claim_job
from processes import Processes

from models import Database

QUESTION = {"kind": "count_slowly", "params": {"steps": 3}}


def jobs_of(connection: psycopg.Connection, api: Api) -> int:
    """Count a person's jobs."""
    row = connection.execute(
        "select count(*) from jobs where owner_id = %s", [api.person_id]
    ).fetchone()
    assert row is not None
    return int(row[0])


def submit(api: Api, key: str | None = None, **more: Any) -> Any:
    """Submit the question, under a key or without one."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post("jobs", json={**QUESTION, **more}, headers=headers)


def ask(web: Web, api: Api, body: Any, key: str | None = None) -> tuple[int, dict[str, Any]]:
    """Submit to a real process, again as long as it is too busy."""
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    request = urllib.request.Request(
        f"{web.address}/api/v1/jobs", data=json.dumps(body).encode(), headers=headers
    )
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == 503, error.read()


def test_the_same_key_and_body_is_the_same_job_as_it_stands(
    a: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    """Demand: 002-24."""
    first = submit(a, "order-1")
    assert (first.status_code, first.headers.get("Idempotency-Replayed")) == (202, None)
    job = first.get_json()
    again = submit(a, "order-1")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert again.get_json() == job
    assert again.headers["Location"] == first.headers["Location"]
    with database.worker() as session:
        claim_job(database, UUID(job["id"])).succeed(session, {"counted": 3}, result_count=3)
    ended = submit(a, "order-1")
    assert (ended.status_code, ended.get_json()["status"]) == (202, "succeeded")
    assert ended.get_json()["id"] == job["id"]
    assert jobs_of(owner_connection, a) == 1


@pytest.mark.parametrize(
    "change",
    [{"params": {"steps": 4}}, {"kind": "hopeless"}, {"locale": "ko"}, {"retention_days": 2},
     {"client_context": {"a": 1}}, {"force": True}],
)  # fmt: skip
def test_the_same_key_with_another_body_is_refused(
    a: Api, owner_connection: psycopg.Connection, change: dict[str, Any]
) -> None:
    assert submit(a, "order-2").status_code == 202
    answer = submit(a, "order-2", **change)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
    assert jobs_of(owner_connection, a) == 1


def test_a_key_is_ones_own(a: Api, b: Api) -> None:
    """Demand: 002-25."""
    mine, theirs = submit(a, "order-3"), submit(b, "order-3", params={"steps": 9})
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.get_json()["id"] != theirs.get_json()["id"]


def test_a_key_is_kept_for_seven_days(a: Api, owner_connection: psycopg.Connection) -> None:
    first = submit(a, "order-4", force=True).get_json()

    def age(days: str) -> None:
        owner_connection.execute(
            "update jobs set created_at = now() - %s::interval where id = %s", [days, first["id"]]
        )

    age("6 days 23 hours")
    assert submit(a, "order-4", force=True).get_json()["id"] == first["id"]
    age("7 days 1 minute")
    later = submit(a, "order-4", force=True)
    assert later.status_code == 202
    assert later.get_json()["id"] != first["id"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\u00e9", "a\tb"])
def test_what_is_no_key_is_named(a: Api, key: str, owner_connection: psycopg.Connection) -> None:
    answer = submit(a, key)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.get_json()["errors"]] == ["Idempotency-Key"]
    assert jobs_of(owner_connection, a) == 0
    assert submit(a, "~" * 255).status_code == 202


def test_a_file_is_part_of_what_was_asked(
    a: Api, files: Path, owner_connection: psycopg.Connection
) -> None:
    photo = (files / "coffee.jpg").read_bytes()

    def send(content: bytes) -> Any:
        data = {"kind": "image_search", "image": (io.BytesIO(content), "x.jpg")}
        return a.post("jobs", data=data, headers={"Idempotency-Key": "photo-1"})

    first, again, other = send(photo), send(photo), send(photo + b" ")
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert again.get_json() == first.get_json()
    assert other.get_json()["code"] == "idempotency_key_reused"
    uploads = owner_connection.execute(
        "select count(*) from uploads where owner_id = %s", [a.person_id]
    ).fetchone()
    assert uploads == (1,)


@pytest.mark.parametrize("force", [False, True])
def test_fifty_equal_requests_at_once_are_one_job(
    processes: Processes, a: Api, owner_connection: psycopg.Connection, force: bool
) -> None:
    """Against a real web process. Demand: 002-24.

    By force nothing but the key's own index holds them apart.
    """
    web = start_web(processes)
    barrier = threading.Barrier(50)

    def send(_turn: int) -> tuple[int, dict[str, Any]]:
        barrier.wait(30)
        return ask(web, a, {**QUESTION, "force": force}, key="fifty")

    with ThreadPoolExecutor(50) as people:
        answers = list(people.map(send, range(50)))
    assert {status for status, _ in answers} == {202}
    assert len({job["id"] for _, job in answers}) == 1
    assert all(job == answers[0][1] for _, job in answers)
    assert jobs_of(owner_connection, a) == 1
    events = owner_connection.execute(
        "select count(*) from job_events where owner_id = %s", [a.person_id]
    ).fetchone()
    assert events == (1,)


def test_the_same_question_is_answered_with_the_job_that_runs(
    a: Api, b: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    job = submit(a).get_json()
    for status in ("queued", "running"):
        # What is no part of the question makes no other one of it, and a default is as good as
        # the same value given.
        answer = submit(a, locale="ko", params={"steps": 3, "step_seconds": 0})
        assert answer.status_code == 200, answer.text
        found = answer.get_json()
        assert (found["id"], found["status"], found["already_running"]) == (job["id"], status, True)
        assert answer.headers["Location"] == job["links"]["self"]
        if status == "queued":
            claim = claim_job(database, UUID(job["id"]))
    assert submit(b).status_code == 202  # somebody else's is none of mine
    assert submit(a, params={"steps": 4}).status_code == 202
    forced = submit(a, force=True)
    assert (forced.status_code, "already_running" in forced.get_json()) == (202, False)
    a.post(f"jobs/{forced.get_json()['id']}/cancellation")
    with database.worker() as session:
        claim.succeed(session, {"counted": 3}, result_count=3)
    assert submit(a).status_code == 202  # all such have ended
    assert jobs_of(owner_connection, a) == 4


def test_the_same_photo_is_the_same_question_whatever_its_id(
    a: Api, files: Path, owner_connection: psycopg.Connection
) -> None:
    """What came with the second submit is not kept."""
    photo = (files / "coffee.jpg").read_bytes()

    def send(content: bytes) -> Any:
        return a.post(
            "jobs", data={"kind": "image_search", "image": (io.BytesIO(content), "any.name")}
        )

    first, second = send(photo), send(photo)
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.get_json()["id"] == first.get_json()["id"]
    uploads = owner_connection.execute(
        "select count(*), (select count(distinct upload_id) from upload_chunks where owner_id = %s)"
        " from uploads where owner_id = %s",
        [a.person_id, a.person_id],
    ).fetchone()
    assert uploads == (1, 1)
    upload = a.post("uploads", data={"file": (io.BytesIO(photo), "x")}).get_json()["id"]
    named = a.post("jobs", json={"kind": "image_search", "params": {"image": upload}})
    assert (named.status_code, named.get_json()["id"]) == (200, first.get_json()["id"])
    assert send(photo + b" ").status_code == 202


def test_two_taps_at_once_are_one_job(
    processes: Processes, a: Api, owner_connection: psycopg.Connection
) -> None:
    """Without any key: the second waits for the first and is told of its job."""
    web = start_web(processes)
    barrier = threading.Barrier(10)

    def tap(_turn: int) -> tuple[int, str]:
        barrier.wait(30)
        status, job = ask(web, a, QUESTION)
        return status, job["id"]

    with ThreadPoolExecutor(10) as taps:
        answers = list(taps.map(tap, range(10)))
    assert sorted(status for status, _ in answers) == [200] * 9 + [202]
    assert len({job_id for _, job_id in answers}) == 1
    assert jobs_of(owner_connection, a) == 1


def test_a_key_that_met_a_running_job_keeps_to_it(
    a: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    """The answer of a request does not change because the job has ended meanwhile."""
    job = submit(a).get_json()
    met = submit(a, "order-5")
    assert (met.status_code, met.get_json()["id"]) == (200, job["id"])
    replay = submit(a, "order-5")
    assert (replay.status_code, replay.headers["Idempotency-Replayed"]) == (200, "true")
    assert replay.get_json() == met.get_json()
    with database.worker() as session:
        claim_job(database, UUID(job["id"])).succeed(session, {"counted": 3}, result_count=3)
    again = submit(a, "order-5")
    assert (again.get_json()["id"], again.headers["Idempotency-Replayed"]) == (job["id"], "true")
    assert (again.status_code, again.get_json()["already_running"]) == (200, True)
    other = submit(a, "order-5", kind="count_slowly", params={"steps": 9})
    assert other.get_json()["code"] == "idempotency_key_reused"
    assert jobs_of(owner_connection, a) == 1
