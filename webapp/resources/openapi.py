"""The OpenAPI document: what the routes say of themselves, and the shapes of every kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from flask import Flask, Response, current_app
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel

from tasks.fields import upload_fields
from tasks.registry import JobKind, kinds
from webapp.idempotency import REPLAYED_HEADER
from webapp.resources.api import api, problem_response
from webapp.resources.schemas import JobRequest, Problem, RerunRequest, UploadForm

_KEY = "textback.openapi"
_REFERENCE = "#/components/schemas/"
_LOCATION = {"description": "The job.", "schema": {"type": "string"}}
_REPLAYED = {
    "description": "`true` when an earlier request under this Idempotency-Key was answered so.",
    "schema": {"type": "string", "const": "true"},
}
_ALREADY_RUNNING = "You ask the same already, and that job has not ended; nothing new was begun."
_PARTIAL = {
    "type": "object",
    "description": "What was found before a stop or a failure, in the shape of the kind's result.",
    "properties": {"partial": {"type": "boolean", "const": True}},
    "required": ["partial"],
}
_MAKING_JOBS = (
    "/api/v1/jobs", "/api/v1/jobs/{job_id}/reruns", "/api/v1/saved-searches/{saved_search_id}/runs",
)  # fmt: skip
_OF_BODIES = {
    "400": problem_response("malformed_json"),
    "413": problem_response("body_too_large"),
    "415": problem_response("unsupported_media_type"),
}
_DESCRIPTION = """\
Submit a job, get an id at once, and come back for the result: by polling with an ETag, by waiting
with `?wait=`, by following its events, or when a text message says that it is there.

A submit whose answer got lost is safely sent again under the same `Idempotency-Key`, also after a
503 of which nobody knows whether it came before or after the job was written down.

Every error is a problem document (RFC 9457) whose `code` never changes.
"""
SECURITY_SCHEMES: Any = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token from `textback token create`, such as `tb_…`.",
    },
    "cron": {
        "type": "http",
        "scheme": "bearer",
        "description": "The server's CRON_SECRET, for a cron outside.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "textback",
        "description": "A signed-in browser; for reading only.",
    },
}


def api_info() -> Info:
    """Return what the document says of the whole."""
    return Info(title="Textback", version=version("textback"), description=_DESCRIPTION)


def init_openapi(app: OpenAPI) -> None:
    """Make the document once, when every route is there."""
    app.extensions[_KEY] = _document(app)


def openapi(app: Flask) -> dict[str, Any]:
    """Return the document."""
    found: dict[str, Any] = app.extensions[_KEY]
    return found


@api.get("/openapi.json", doc_ui=False)
def openapi_document() -> Response:
    """Return this API's description for programs."""
    return Response(json.dumps(openapi(current_app)), mimetype="application/json")


def _document(app: OpenAPI) -> dict[str, Any]:
    document: dict[str, Any] = app.api_doc
    schemas = document["components"]["schemas"]
    for model in (JobRequest, Problem, RerunRequest, UploadForm):
        schemas.update(_schemas(model, model.__name__))
    forms = []
    for kind in kinds().values():
        schemas.update(_schemas(kind.params, f"{kind.name}.params"))
        schemas.update(_schemas(kind.result, f"{kind.name}.result", mode="serialization"))
        schemas[f"{kind.name}.form"] = _form_schema(kind, schemas[f"{kind.name}.params"])
        forms.append({"$ref": f"{_REFERENCE}{kind.name}.form"})
    schemas["JobForm"] = {"title": "JobForm", "anyOf": forms}
    results = [{"$ref": f"{_REFERENCE}{name}.result"} for name in kinds()]
    answers = document["paths"]["/api/v1/jobs/{job_id}/result"]["get"]["responses"]
    answers["200"]["content"]["application/json"]["schema"] = {"anyOf": [*results, _PARTIAL]}
    for path in _MAKING_JOBS:
        answers = document["paths"][path]["post"]["responses"]
        headers = {"Location": _LOCATION, REPLAYED_HEADER: _REPLAYED}
        answers["200"] |= {"description": _ALREADY_RUNNING, "headers": headers}
        answers["202"]["headers"] = headers
    for item in document["paths"].values():
        for operation in item.values():
            if "application/json" in operation.get("requestBody", {}).get("content", ()):
                operation["responses"] = _OF_BODIES | operation["responses"]
    cancel = document["paths"]["/api/v1/jobs/{job_id}/cancellation"]["post"]["responses"]
    cancel["200"]["description"] = "It is cancelled."
    cancel["202"]["description"] = "It runs and was asked to stop."
    return document


def _schemas(model: type[BaseModel], name: str, mode: Any = "validation") -> Mapping[str, Any]:
    """Return a model's JSON Schema and those it refers to, by names that no other kind has."""
    schema = model.model_json_schema(mode=mode, ref_template=f"{_REFERENCE}{name}.{{model}}")
    inner = schema.pop("$defs", {})
    return {name: schema} | {f"{name}.{key}": value for key, value in inner.items()}


def _form_schema(kind: JobKind, params: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        name: dict(value) for name, value in params.get("properties", {}).items()
    }
    for name in upload_fields(kind.params):
        properties[name] = {
            "type": "string",
            "format": "binary",
            "description": "The file itself, in place of an upload's id.",
        }
    request = JobRequest.model_json_schema()["properties"]
    return {
        "type": "object",
        "title": f"{kind.name}.form",
        "required": ["kind"],
        "properties": {**request, **properties, "kind": {"type": "string", "const": kind.name}},
    }
