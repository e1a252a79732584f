"""Reruns: the same question once more, as a new job."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from pydantic import ValidationError
from sqlalchemy.orm import Session

from models import Job as JobRow
from tasks.submission import Submission, submit
from webapp.auth import require_api_person
from webapp.db import settings
from webapp.errors import ProblemError, of_validation
from webapp.idempotency import IdempotencyKey
from webapp.limits import limit_submits
from webapp.resources.answers import answer_submit
from webapp.resources.api import JOBS, api, problem_response
from webapp.resources.bodies import has_body, read_json_object
from webapp.resources.job_json import has_expired
from webapp.resources.jobs import no_such_job
from webapp.resources.schemas import Job, JobAlreadyRunning, JobPath, KeyHeader, RerunRequest

_BODY: dict[str, Any] = {
    "required": False,
    "description": "What is to be different; nothing, without one.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RerunRequest"}}},
}


@api.post(
    "/jobs/<job_id>/reruns",
    tags=[JOBS],
    operation_id="rerun_job",
    security=[{"token": []}],
    responses={
        200: JobAlreadyRunning,
        202: Job,
        400: problem_response("malformed_json"),
        404: problem_response("job_not_found"),
        410: problem_response("job_expired"),
        413: problem_response("body_too_large"),
        415: problem_response("unsupported_media_type"),
        422: problem_response(
            "invalid_request", "unknown_kind", "phone_not_verified", "texts_off",
            "idempotency_key_reused",
        ),
        429: problem_response("too_many_requests"),
    },
    openapi_extensions={"requestBody": _BODY},
)  # fmt: skip
@limit_submits
def rerun_job(path: JobPath, header: KeyHeader) -> Response:
    """Run a job again.

    A new job with the same kind and params, whose `rerun_of_id` is this one. Its params are checked
    anew: the kind, or a file, may be gone.
    """
    person = require_api_person()
    changes = _read_changes()
    key = IdempotencyKey.check(
        header.idempotency_key,
        f"POST /jobs/{path.job_id}/reruns",
        changes.model_dump(mode="json", exclude_defaults=True),
    )

    def make(session: Session) -> JobRow:
        job = session.get(JobRow, path.job_id)
        if job is None:
            raise no_such_job(path.job_id)
        if has_expired(job):
            raise ProblemError(
                "job_expired", f"What it asked was kept until {job.expires_at:%Y-%m-%d}."
            )
        submission = Submission.again(
            job,
            notify=changes.notify,
            locale=changes.locale,
            retention_days=changes.retention_days,
            idempotency_key=key.key if key else None,
            request_hash=key.request_hash if key else None,
            force=changes.force,
        )
        return submit(session, settings(), person.id, submission)

    return answer_submit(person, key, make)


def _read_changes() -> RerunRequest:
    if not has_body():
        return RerunRequest()
    if request.mimetype != "application/json":
        raise ProblemError(
            "unsupported_media_type", "What is to be different is sent as application/json."
        )
    try:
        return RerunRequest.model_validate(read_json_object())
    except ValidationError as error:
        raise of_validation(error, RerunRequest) from None
