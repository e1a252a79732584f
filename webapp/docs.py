"""The page that explains the API, made from its OpenAPI document; it needs no outside host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template

from tasks.registry import kinds
from webapp.db import settings
from webapp.problems import PROBLEMS
from webapp.resources.openapi import openapi

docs_blueprint = Blueprint("docs", __name__)
_METHODS = ("get", "post", "put", "patch", "delete")
_REFERENCE = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a table of fields."""

    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a program can do."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    is_public: bool
    parameters: list[Field]
    body: list[Field]
    answers: list[tuple[str, str, list[str]]]


@docs_blueprint.get("/api/docs")
def docs() -> Response:
    """Explain the API to people."""
    document = openapi(current_app)
    page = render_template(
        "docs.html",
        document=document,
        operations=sorted(_operations(document), key=lambda one: one.method != "POST"),
        job_fields=_fields(document["components"]["schemas"]["Job"], document),
        kinds=[
            (kind, _fields(document["components"]["schemas"][f"{kind.name}.params"], document))
            for kind in kinds().values()
        ],
        problems=PROBLEMS,
        server=settings().base_url,
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield _operation(method, path, methods[method], document)


def _operation(
    method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]
) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    shown = content.get("application/json") or content.get("multipart/form-data")
    parameters = [
        Field(
            parameter["name"],
            f"{_type(parameter['schema'], document)}, in the {parameter['in']}",
            parameter.get("required", False),
            parameter.get("description", ""),
        )
        for parameter in operation.get("parameters", ())
    ]
    answers = []
    for status, answer in sorted(operation["responses"].items()):
        text = answer.get("description", "")
        codes = [
            line.split("`")[1] for line in text.splitlines() if line.startswith("- `")
        ]  # problem documents, see the table
        answers.append((status, "" if codes else text, codes))
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", "").replace("<br/>", "\n").strip(),
        is_public={} in operation.get("security", ()),
        parameters=parameters,
        body=_fields(shown["schema"], document) if shown else [],
        answers=answers,
    )


def _fields(schema: Mapping[str, Any], document: Mapping[str, Any]) -> list[Field]:
    schema = _resolved(schema, document)
    required = schema.get("required", ())
    return [
        Field(name, _type(value, document), name in required, value.get("description", ""))
        for name, value in schema.get("properties", {}).items()
    ]


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").removeprefix(_REFERENCE)
    return document["components"]["schemas"][name] if name else schema


def _type(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Return a schema in a few words, such as `integer, 1 to 60` or `string or null`."""
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(_type(choice, document) for choice in choices)
    if "$ref" in schema:
        named = _resolved(schema, document)
        name = str(named.get("title") or schema["$ref"].rsplit("/", 1)[-1])
        return _type(named, document) if "enum" in named else name
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return ", ".join(f"“{value}”" for value in schema["enum"])
    words = str(schema.get("format") or schema.get("type") or "anything")
    if words == "array":
        words = f"list of {_type(schema.get('items', {}), document)}"
        if "maxItems" in schema:
            words += f", at most {schema['maxItems']:g}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        words += f", {low:g} to {high:g}"
    return words
