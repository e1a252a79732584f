"""The document says what the routes do."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from api_client import Api
from factories import claim_job
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from models import Database
from webapp.problems import PROBLEMS


@pytest.fixture
def document(stranger: Api) -> dict[str, Any]:
    """The document as anybody reads it."""
    found: dict[str, Any] = stranger.get("openapi.json").get_json()
    return found


def check(document: dict[str, Any], name: str, value: Any) -> None:
    """Hold a value against a schema of the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator(schema).validate(value)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_every_route_is_in_the_document(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "api.openapi_document"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == served
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_jobs_and_problems_are_as_described(
    a: Api, document: dict[str, Any], database: Database
) -> None:
    """Demand: 001-5, 003-4."""
    job = a.submit()
    check(document, "Job", job)
    claim = claim_job(database, UUID(job["id"]))
    check(document, "Job", a.get(job["links"]["self"]).get_json())
    with database.worker() as session:
        claim.fail(session, "hopeless", "There is no hope.")
    check(document, "Job", a.get(job["links"]["self"]).get_json())
    check(document, "JobList", a.get("jobs").get_json())
    check(document, "KindList", a.get("kinds").get_json())
    check(document, "Timeline", a.get(job["links"]["timeline"]).get_json())
    again = a.post(f"{job['links']['self']}/reruns")
    check(document, "Job", again.get_json())
    for answer in (
        a.post(f"{job['links']['self']}/reruns"),
        a.post("jobs", json={"kind": job["kind"]}),
    ):
        assert answer.status_code == 200
        check(document, "JobAlreadyRunning", answer.get_json())
    check(document, "Job", a.post(f"{again.get_json()['links']['self']}/cancellation").get_json())
    for answer in (a.get(job["links"]["result"]), a.get("nothing"), a.post("jobs", json={})):
        check(document, "Problem", answer.get_json())
    assert set(job) == set(document["components"]["schemas"]["Job"]["properties"])


def test_keys_and_their_answers_are_described(document: dict[str, Any]) -> None:
    for path in ("/api/v1/jobs", "/api/v1/jobs/{job_id}/reruns"):
        operation = document["paths"][path]["post"]
        headers = [one for one in operation["parameters"] if one["in"] == "header"]
        assert [(one["name"], one.get("required", False)) for one in headers] == [
            ("Idempotency-Key", False)
        ]
        assert {"200", "202", "422"} <= operation["responses"].keys()
        assert set(operation["responses"]["202"]["headers"]) == {"Location", "Idempotency-Replayed"}
        assert "idempotency_key_reused" in operation["responses"]["422"]["description"]
    cancel = document["paths"]["/api/v1/jobs/{job_id}/cancellation"]["post"]
    assert {"200", "202", "404", "409"} <= cancel["responses"].keys()
    assert "requestBody" not in cancel


def test_kinds_describe_themselves(stranger: Api, document: dict[str, Any]) -> None:
    kinds = {kind["name"]: kind for kind in stranger.get("kinds").get_json()["kinds"]}
    search = kinds["image_search"]
    assert search["upload_fields"] == ["image"]
    assert search["params_schema"]["properties"]["limit"]["maximum"] == 60
    assert search["retention_days"] == 7
    for kind in kinds.values():
        Draft202012Validator.check_schema(kind["params_schema"])
        Draft202012Validator.check_schema(kind["result_schema"])
        assert f"{kind['name']}.params" in document["components"]["schemas"]


def test_every_problem_has_its_place_on_the_page(stranger: Api) -> None:
    page = stranger.get("/api/docs").text
    for code in PROBLEMS:
        assert f'id="problem-{code}"' in page


def test_every_body_is_read_alike(a: Api, document: dict[str, Any]) -> None:
    """What is no JSON object is a 400 that says where, and no body at all one that says that."""
    described = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if "application/json" not in operation.get("requestBody", {}).get("content", ()):
                continue
            described += 1
            assert {"400", "413", "415"} <= operation["responses"].keys(), path
            assert "malformed_json" in operation["responses"]["400"]["description"]
            address = re.sub(r"{\w+}", str(UUID(int=7)), path)

            def send(data: bytes | None, kind: str | None = "application/json") -> Any:
                return a.open(address, method=method.upper(), data=data, content_type=kind)  # noqa: B023

            answer = send(b"{bad")
            assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed_json"), path
            assert "line 1 column 2" in answer.get_json()["detail"]
            assert send(b'["a"]').get_json()["code"] == "malformed_json"
            assert send(b"{}", "text/plain").get_json()["code"] == "unsupported_media_type"
            if operation["requestBody"]["required"]:
                for answer in (send(None), send(None, None)):
                    assert answer.status_code == 400
                    assert "There is no body" in answer.get_json()["detail"]
    assert described >= 7
