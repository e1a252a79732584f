"""The kinds of job there are, with the schemas of what goes in and what comes out."""

from __future__ import annotations

from typing import Any

from tasks.fields import upload_fields
from tasks.registry import JobKind, kinds
from webapp.db import settings
from webapp.resources.api import KINDS, api
from webapp.resources.schemas import KindList


@api.get(
    "/kinds", tags=[KINDS], operation_id="list_kinds", security=[{}], responses={200: KindList}
)
def list_kinds() -> dict[str, Any]:
    """List the kinds of job.

    Everything needed to submit one without knowing it beforehand: the JSON Schema of its params,
    of its result, and which params take a file.
    """
    return {"kinds": [_kind_json(kind) for kind in kinds().values()]}


def _kind_json(kind: JobKind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "title": kind.title,
        "description": kind.description,
        "queue": kind.queue,
        "retention_days": kind.retention_days or settings().retention_days,
        "max_attempts": kind.max_attempts,
        "time_limit_seconds": kind.time_limit_seconds,
        "upload_fields": upload_fields(kind.params),
        "params_schema": kind.params.model_json_schema(),
        "result_schema": kind.result.model_json_schema(mode="serialization"),
    }
