"""Reading jobs: tags, waiting, lists, results."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from api_client import Api
from factories import claim_job
from processes import wait_for

from models import Database, Progress, Settings
from tasks.runner import run
from tasks.wake import wake_on_commit
from webapp.live import hub


def report(database: Database, claim: Any, percent: int) -> None:
    """Report progress as a worker does, and wake whoever watches."""
    with database.worker() as session:
        claim.heartbeat(session, lease_seconds=30, progress=Progress(percent=percent))
        wake_on_commit(session, claim.job_id)


def finish(database: Database, claim: Any, result: dict[str, Any] | None = None) -> None:
    """End a job as a worker does."""
    with database.worker() as session:
        claim.succeed(session, result or {"counted": 3}, result_count=3)
        wake_on_commit(session, claim.job_id)


def test_a_job_has_a_tag_and_an_unchanged_one_no_body(a: Api, database: Database) -> None:
    """Demand: 002-14, 003-4."""
    job = a.submit()
    first = a.get(job["links"]["self"])
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    again = a.get(job["links"]["self"], headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    report(database, claim_job(database, UUID(job["id"])), 45)
    changed = a.get(job["links"]["self"], headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert (changed.get_json()["status"], changed.get_json()["progress"]) == ("running", 45)
    assert changed.get_json()["queue_position"] is None
    assert changed.headers["Cache-Control"] == "private, no-cache"


def test_every_instance_tells_the_same(
    a: Api, make_app: Any, token_a: str, database: Database
) -> None:
    """Demand: 000-2, 000-4, 000-25, 000-26, 000-33, 001-1, 001-3, 001-5."""
    job = a.submit()
    other = Api(make_app().test_client(), token_a)
    claim = claim_job(database, UUID(job["id"]))
    for percent in (30, 45):
        report(database, claim, percent)
        for instance in (a, other, a):
            answer = instance.get(job["links"]["self"])
            assert (answer.status_code, answer.get_json()["progress"]) == (200, percent)


def test_waiting_ends_with_the_job(a: Api, database: Database) -> None:
    """Demand: 004-5, 004-50."""
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))

    def work() -> None:
        time.sleep(0.3)
        report(database, claim, 50)
        time.sleep(0.3)
        finish(database, claim)

    worker = threading.Thread(target=work)
    began = time.monotonic()
    worker.start()
    answer = a.get(f"{job['links']['self']}?wait=20")
    took = time.monotonic() - began
    worker.join()
    assert answer.get_json()["status"] == "succeeded"
    assert 0.5 < took < 15


def test_waiting_with_a_tag_ends_with_the_next_change(a: Api, database: Database) -> None:
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    tag = a.get(job["links"]["self"]).headers["ETag"]
    worker = threading.Timer(0.3, report, (database, claim, 50))
    worker.start()
    answer = a.get(f"{job['links']['self']}?wait=20", headers={"If-None-Match": tag})
    worker.join()
    assert (answer.status_code, answer.get_json()["progress"]) == (200, 50)


def test_waiting_gives_up_in_time_and_answers_as_it_stands(a: Api, database: Database) -> None:
    job = a.submit()
    claim_job(database, UUID(job["id"]))
    began = time.monotonic()
    answer = a.get(f"{job['links']['self']}?wait=0.5")
    assert 0.4 < time.monotonic() - began < 10
    assert answer.get_json()["status"] == "running"
    tag = answer.headers["ETag"]
    again = a.get(f"{job['links']['self']}?wait=0.2", headers={"If-None-Match": tag})
    assert again.status_code == 304


@pytest.mark.parametrize("wait", ["31", "-1", "soon"])
def test_waiting_has_bounds(a: Api, wait: str) -> None:
    answer = a.get(f"jobs/{uuid4()}?wait={wait}")
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "wait"


def test_nobody_who_waits_holds_a_connection(a: Api, make_app: Any, token_a: str) -> None:
    app = make_app()
    job = a.submit()
    pool = app.extensions["textback.database"].engine.pool
    api = Api(app.test_client(), token_a)
    tag = api.get(job["links"]["self"]).headers["ETag"]
    answers: list[int] = []

    def wait() -> None:
        program = Api(app.test_client(), token_a)
        answer = program.get(f"{job['links']['self']}?wait=6", headers={"If-None-Match": tag})
        answers.append(answer.status_code)

    waiting = [threading.Thread(target=wait) for _ in range(10)]
    for thread in waiting:
        thread.start()
    wait_for(lambda: hub(app).watcher_count == 10, 20, "all of them to wait")
    held = []
    while any(thread.is_alive() for thread in waiting):
        held.append(pool.checkedout())
        time.sleep(0.05)
    assert held
    # Now and then one is out for a read that all share.
    assert sorted(held)[len(held) // 2] == 0
    assert len(answers) == 10


def test_a_result_before_the_end_is_a_conflict(a: Api, database: Database) -> None:
    """Demand: 001-4."""
    job = a.submit()
    for _ in range(2):
        answer = a.get(job["links"]["result"])
        assert (answer.status_code, answer.get_json()["code"]) == (409, "not_finished")
        assert int(answer.headers["Retry-After"]) > 0
        if a.get(job["links"]["self"]).get_json()["status"] == "queued":
            claim = claim_job(database, UUID(job["id"]))
    finish(database, claim, {"counted": 7})
    answer = a.get(job["links"]["result"])
    assert (answer.status_code, answer.get_json()) == (200, {"counted": 7})


def test_a_failed_job_says_why(a: Api, database: Database, settings: Settings) -> None:
    """Demand: 000-17."""
    job = a.submit("hopeless")
    with pytest.raises(Exception, match="hopeless"):
        run(UUID(job["id"]), worker="a worker", database=database, settings=settings)
    job = a.get(job["links"]["self"]).get_json()
    sentence = "There is no hope for this one."
    assert job["error"] == {"code": "hopeless", "message": sentence}
    answer = a.get(job["links"]["result"])
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "job_failed")
    assert problem["detail"] == sentence
    assert problem["error"] == job["error"]
    assert "Retry-After" not in answer.headers


def test_an_expired_result_is_gone_for_its_owner(
    a: Api, b: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    job = a.submit()
    finish(database, claim_job(database, UUID(job["id"])))
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 second' where id = %s", [job["id"]]
    )
    answer = a.get(job["links"]["result"])
    assert (answer.status_code, answer.get_json()["code"]) == (410, "job_expired")
    assert b.get(job["links"]["result"]).get_json()["code"] == "job_not_found"


def test_lists_go_from_the_newest_by_pages(a: Api, b: Api) -> None:
    """Demand: 002-16, 004-14, 004-48."""
    b.submit()
    made = [a.submit()["id"] for _ in range(7)]
    seen: list[str] = []
    address: str | None = "/api/v1/jobs?limit=3"
    sizes = []
    while address:
        page = a.get(address).get_json()
        sizes.append(len(page["jobs"]))
        seen += [job["id"] for job in page["jobs"]]
        address = page["next"]
        if len(sizes) == 1:
            a.submit()  # shifts nothing
    assert sizes == [3, 3, 1]
    assert seen == made[::-1]


def test_lists_can_be_filtered(a: Api, database: Database) -> None:
    """Demand: 004-48."""
    first, second = a.submit(), a.submit("hopeless")
    claim_job(database, UUID(first["id"]))

    def ids(query: str) -> list[str]:
        return [job["id"] for job in a.get(f"jobs?{query}").get_json()["jobs"]]

    assert ids("kind=hopeless") == [second["id"]]
    assert ids("status=running") == [first["id"]]
    assert ids("status=queued&kind=count_slowly") == []
    assert ids("source=api") == [second["id"], first["id"]]
    assert ids("source=schedule") == []


def test_filters_go_along_to_the_next_page(a: Api) -> None:
    jobs = [a.submit() for _ in range(3)]
    page = a.get("jobs?limit=2&kind=count_slowly&source=api").get_json()
    assert "kind=count_slowly" in page["next"]
    last = a.get(page["next"]).get_json()
    assert ([job["id"] for job in last["jobs"]], last["next"]) == ([jobs[0]["id"]], None)


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=nonsense", "cursor"),
     ("cursor=%00", "cursor"), ("status=done", "status"), ("source=me", "source"),
     ("colour=red", "colour")],
)  # fmt: skip
def test_a_wrong_filter_is_named(a: Api, query: str, field: str) -> None:
    answer = a.get(f"jobs?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_what_would_be_right_is_said_in_plain_words(a: Api) -> None:
    answers = {
        "limit=many": "must be a whole number, 1 to 100",
        "limit=0": "must be 1 to 100",
        "source=me": "must be 'manual', 'schedule', 'api' or 'rerun'",
        "colour=red": "There is no such field; there is limit, cursor, kind, status, source.",
    }
    for query, words in answers.items():
        assert [error["message"] for error in a.get(f"jobs?{query}").get_json()["errors"]] == [
            words
        ]
    waited = a.get(f"jobs/{uuid4()}?wait=soon").get_json()
    assert waited["errors"][0]["message"] == "must be a number, 0 to 30"


def test_places_in_the_queue_count_everybody_but_name_nobody(a: Api, b: Api) -> None:
    ahead = b.submit()["queue_position"]
    behind = a.submit()["queue_position"]
    assert behind == ahead + 1
    listed = a.get("jobs?status=queued").get_json()["jobs"]
    assert [job["queue_position"] for job in listed] == [behind]


def test_a_token_notes_when_it_was_used_at_most_once_a_minute(
    a: Api, owner_connection: psycopg.Connection
) -> None:
    def used() -> datetime:
        row = owner_connection.execute(
            "select last_used_at from api_tokens where owner_id = %s", [a.person_id]
        ).fetchone()
        assert row is not None
        return row[0]

    a.get("jobs")
    first = used()
    assert abs((datetime.now(UTC) - first).total_seconds()) < 60
    a.get("jobs")
    assert used() == first
    owner_connection.execute(
        "update api_tokens set last_used_at = now() - interval '2 minutes' where owner_id = %s",
        [a.person_id],
    )
    a.get("jobs")
    assert used() > first
