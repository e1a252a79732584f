"""The part of the address space that programs call, and who may call it."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from webapp.auth import require_api_person
from webapp.errors import MEDIA_TYPE
from webapp.problems import PROBLEMS

PREFIX = "/api/v1"
# What anybody may read, and what a cron opens with a secret of its own; the rest needs a person.
PUBLIC = frozenset({"api.list_kinds", "api.openapi_document", "api.enqueue_saved_searches"})

JOBS = Tag(name="jobs", description="Submit a request, follow it, fetch its result.")
SAVED = Tag(name="saved searches", description="Searches that run again and again by themselves.")
UPLOADS = Tag(name="uploads", description="Files that jobs are about.")
PHONES = Tag(name="phones", description="Proving that a phone is yours, to be texted.")
ACCOUNT = Tag(name="account", description="Your own account, its tokens and browsers.")
KINDS = Tag(name="kinds", description="The kinds of job there are.")


def problem_response(*codes: str) -> dict[str, Any]:
    """Return the documentation of an error answer with these codes."""
    lines = "\n".join(f"- `{code}`: {PROBLEMS[code].title}." for code in codes)
    return {
        "description": lines,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


api = APIBlueprint(
    "api",
    __name__,
    url_prefix=PREFIX,
    abp_security=[{"token": []}, {"cookie": []}],
    abp_responses={
        401: problem_response("token_missing", "token_invalid"),
        422: problem_response("invalid_request"),
        500: problem_response("internal_error"),
        503: problem_response("database_unavailable"),
    },
)


@api.before_request
def _require_person() -> None:
    if request.endpoint not in PUBLIC:
        require_api_person()
