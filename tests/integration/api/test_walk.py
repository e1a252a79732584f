"""The whole life of one job as a program sees it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from api_client import Api

from models import Database, Settings
from tasks.providers.catalog.sample import load_sample_catalog
from tasks.runner import run


def test_submit_read_and_fetch_the_result(a: Api, database: Database, settings: Settings) -> None:
    """Demand: 000-5, 000-28, 002-14, 004-14."""
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


def test_a_search_keeps_to_its_categories(
    a: Api, database: Database, settings: Settings, files: Path
) -> None:
    """Demand: 000-13, 000-27."""
    load_sample_catalog(database)
    with (files / "coffee.jpg").open("rb") as photo:
        image = a.post("uploads", data={"file": (photo, "photo.jpg")}).get_json()["id"]
    params = {"image": image, "categories": ["dress"]}
    answer = a.post("jobs", json={"kind": "image_search", "params": params})
    assert answer.status_code == 202
    job = answer.get_json()
    assert job["params"]["categories"] == ["dress"]
    run(UUID(job["id"]), worker="a worker", database=database, settings=settings)
    result = a.get(job["links"]["result"]).get_json()
    assert {product["category"] for product in result["products"]} == {"dress"}
