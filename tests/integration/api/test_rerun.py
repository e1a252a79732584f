"""The same question once more."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from api_client import Api
from factories import claim_job

from models import Database


def rerun(api: Api, job: dict[str, Any], **more: Any) -> Any:
    """Ask for a job once more."""
    return api.post(f"{job['links']['self']}/reruns", **more)


def end(database: Database, job: dict[str, Any]) -> None:
    """End a job as a worker does."""
    with database.worker() as session:
        claim_job(database, UUID(job["id"])).succeed(session, {"counted": 1}, result_count=1)


def test_a_rerun_is_a_new_job_with_the_same_params(a: Api, database: Database) -> None:
    """Demand: 004-27, 004-30."""
    job = a.submit(params={"steps": 7}, locale="ko")
    end(database, job)
    answer = rerun(a, job)
    assert answer.status_code == 202, answer.text
    again = answer.get_json()
    assert again["id"] != job["id"]
    assert answer.headers["Location"] == again["links"]["self"]
    assert (again["rerun_of_id"], again["source"]) == (job["id"], "rerun")
    assert (again["kind"], again["params"]) == (job["kind"], job["params"])
    assert (again["status"], again["attempt"]) == ("queued", 0)
    assert a.get(job["links"]["self"]).get_json()["status"] == "succeeded"


def test_a_rerun_may_differ_in_what_is_no_question(
    a: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    job = a.submit(locale="ko", retention_days=30)
    end(database, job)
    answer = rerun(a, job, json={"locale": "en", "retention_days": 2})
    assert answer.status_code == 202, answer.text
    row = owner_connection.execute(
        "select locale, expires_at < now() + interval '3 days' from jobs where id = %s",
        [answer.get_json()["id"]],
    ).fetchone()
    assert row == ("en", True)
    for body, field in (({"locale": "xx"}, "locale"), ({"kind": "hopeless"}, "kind")):
        refused = rerun(a, job, json=body)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.get_json()["errors"]] == [field]
    assert rerun(a, job, data="[]", content_type="application/json").status_code == 400
    assert rerun(a, job, data="a=1", content_type="text/plain").status_code == 415


def test_a_photo_is_kept_as_long_as_the_new_answer(
    a: Api, files: Path, owner_connection: psycopg.Connection
) -> None:
    photo = (files / "coffee.jpg").read_bytes()
    upload = a.post("uploads", data={"file": (io.BytesIO(photo), "x")}).get_json()["id"]
    job = a.submit("image_search", params={"image": upload}, retention_days=1)
    again = rerun(a, job, json={"retention_days": 9, "force": True}).get_json()
    kept = owner_connection.execute(
        "select expires_at > now() + interval '8 days' from uploads where id = %s", [upload]
    ).fetchone()
    assert kept == (True,)
    assert again["params"]["image"] == upload
    # And when it is gone, the param that named it is named.
    owner_connection.execute("delete from uploads where id = %s", [upload])
    answer = rerun(a, job)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.get_json()["errors"]] == ["params.image"]


def test_a_kind_that_is_gone_is_named(a: Api, owner_connection: psycopg.Connection) -> None:
    job = a.submit()
    owner_connection.execute("update jobs set kind = 'of_old' where id = %s", [job["id"]])
    answer = rerun(a, job)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_kind")
    assert "of_old" in answer.get_json()["detail"]


def test_a_job_that_still_runs_is_answered_with_itself(a: Api) -> None:
    job = a.submit()
    answer = rerun(a, job)
    assert answer.status_code == 200
    assert (answer.get_json()["id"], answer.get_json()["already_running"]) == (job["id"], True)
    forced = rerun(a, job, json={"force": True})
    assert (forced.status_code, forced.get_json()["rerun_of_id"]) == (202, job["id"])


@pytest.mark.parametrize("is_pruned", [False, True])
def test_an_expired_job_is_gone_for_its_owner_and_never_was_for_others(
    a: Api, b: Api, database: Database, owner_connection: psycopg.Connection, is_pruned: bool
) -> None:
    """Demand: 002-37, 003-13."""
    job = a.submit()
    end(database, job)
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 second' where id = %s", [job["id"]]
    )
    tag = a.get(job["links"]["self"]).headers["ETag"]
    if is_pruned:
        owner_connection.execute(
            "update jobs set pruned_at = now(), params = '{}', result = null where id = %s",
            [job["id"]],
        )
    for answer in (a.get(job["links"]["result"]), a.get(job["links"]["timeline"]), rerun(a, job)):
        assert (answer.status_code, answer.get_json()["code"]) == (410, "job_expired")
    shown = a.get(job["links"]["self"])
    assert (shown.status_code, shown.get_json()["expired"]) == (200, True)
    assert "expired" in tag
    assert [one["expired"] for one in a.get("jobs").get_json()["jobs"]] == [True]
    assert a.submit()["expired"] is False
    unknown = str(uuid4())
    for path in ("jobs/{}", "jobs/{}/result", "jobs/{}/timeline", "jobs/{}/events"):
        theirs, none = b.get(path.format(job["id"])), b.get(path.format(unknown))
        assert theirs.status_code == none.status_code == 404
        assert theirs.text.replace(job["id"], "X") == none.text.replace(unknown, "X")
    assert rerun(b, job).status_code == 404


def test_a_rerun_keeps_to_its_key(a: Api, database: Database) -> None:
    job = a.submit()
    end(database, job)
    headers = {"Idempotency-Key": "again-1"}
    first, second = rerun(a, job, headers=headers), rerun(a, job, headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["id"] == second.get_json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    other = rerun(a, job, headers=headers, json={"locale": "ko"})
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")
    submit = a.post("jobs", json={"kind": "count_slowly"}, headers=headers)
    assert (submit.status_code, submit.get_json()["code"]) == (422, "idempotency_key_reused")
