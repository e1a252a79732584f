"""Deleting a job over the API."""

from __future__ import annotations

from uuid import UUID, uuid4

from api_client import Api
from factories import claim_job

from models import Database


def test_an_ended_job_is_deleted_and_another_is_refused(a: Api, b: Api, database: Database) -> None:
    """204 once, 404 from then on; 409 with what to do while it has not ended; nobody else's."""
    job = a.submit()["id"]
    early = a.open(f"jobs/{job}", method="DELETE")
    assert (early.status_code, early.get_json()["code"]) == (409, "job_not_ended")
    assert "Cancel it first" in early.get_json()["detail"]
    claim = claim_job(database, UUID(job))
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    theirs = b.open(f"jobs/{job}", method="DELETE")
    none = b.open(f"jobs/{uuid4()}", method="DELETE")
    assert theirs.status_code == none.status_code == 404
    assert a.get(f"jobs/{job}").status_code == 200
    answer = a.open(f"jobs/{job}", method="DELETE")
    assert (answer.status_code, answer.data) == (204, b"")
    assert a.get(f"jobs/{job}").status_code == 404
    assert a.open(f"jobs/{job}", method="DELETE").status_code == 404
    assert job not in [one["id"] for one in a.get("jobs").get_json()["jobs"]]
