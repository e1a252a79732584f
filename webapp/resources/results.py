"""The result of a job, for its owner."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from models import Job, JobStatus
from tasks.cancellation import settle
from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError
from webapp.resources.api import JOBS, api, problem_response
from webapp.resources.job_json import has_expired
from webapp.resources.jobs import no_such_job
from webapp.resources.schemas import JobPath

_RETRY_AFTER_SECONDS = 2


@api.get(
    "/jobs/<job_id>/result",
    tags=[JOBS],
    operation_id="read_result",
    responses={
        200: {
            "description": "The result, in the shape of the kind's `result_schema`; with "
            "`partial: true` beside it, what was found before the job was cancelled or failed.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        404: problem_response("job_not_found"),
        409: problem_response("not_finished", "job_failed", "job_cancelled"),
        410: problem_response("job_expired"),
    },
)
def read_result(path: JobPath) -> dict[str, Any]:
    """Fetch a job's result.

    Before the job has ended this is a 409 with `Retry-After`. What a job had found before it was
    cancelled or failed is answered with `partial: true`; one that had nothing is a 409, and the
    problem document carries the sentence that says why.
    """
    person = require_api_person()
    with database().owner(person.id) as session:
        job = session.scalar(select(Job).where(Job.id == path.job_id).options(undefer(Job.result)))
        if job is None:
            raise no_such_job(path.job_id)
        settle(session, job)
    if not job.is_final:
        raise ProblemError(
            "not_finished",
            f"The job is {job.status}, at {job.progress} %.",
            headers={"Retry-After": str(job.eta_seconds or _RETRY_AFTER_SECONDS)},
        )
    if has_expired(job):
        raise ProblemError("job_expired", f"The result was kept until {job.expires_at:%Y-%m-%d}.")
    if job.result is not None:
        result: dict[str, Any] = job.result
        return {**result, "partial": True} if job.partial else result
    if job.status == JobStatus.FAILED:
        raise ProblemError(
            "job_failed",
            job.error_message,
            more={"error": {"code": job.error_code, "message": job.error_message}},
        )
    raise ProblemError("job_cancelled")
