"""The whole life of one job as a program sees it."""

from __future__ import annotations

from uuid import UUID

from api_client import Api

from models import Database, Settings
from tasks.runner import run


def test_submit_read_and_fetch_the_result(a: Api, database: Database, settings: Settings) -> None:
    """Demand: 000-5, 000-27, 000-28, 002-14, 004-14, 004-33."""
    answer = a.post("jobs", json={"kind": "count_slowly", "params": {"steps": 2}})
    assert answer.status_code == 202
    job = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}" == job["links"]["self"]
    assert (job["status"], job["progress"], job["source"]) == ("queued", 0, "api")
    assert a.get(answer.headers["Location"]).get_json()["status"] == "queued"

    run(UUID(job["id"]), worker="a worker", database=database, settings=settings)

    job = a.get(job["links"]["self"]).get_json()
    assert (job["status"], job["progress"], job["result_count"]) == ("succeeded", 100, 2)
    assert a.get(job["links"]["result"]).get_json() == {"counted": 2, "began_at": 0}
