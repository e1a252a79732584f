"""Cancellations: the wish that a job stops."""

from __future__ import annotations

from flask import Response, json

from models import JobStatus
from tasks.cancellation import cancel
from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError
from webapp.resources.api import JOBS, api, problem_response
from webapp.resources.job_json import job_json, read_view
from webapp.resources.jobs import no_such_job
from webapp.resources.schemas import Job, JobPath


@api.post(
    "/jobs/<job_id>/cancellation",
    tags=[JOBS],
    operation_id="cancel_job",
    security=[{"token": []}],
    responses={
        200: Job,
        202: Job,
        404: problem_response("job_not_found"),
        409: problem_response("job_already_ended"),
    },
)
def cancel_job(path: JobPath) -> Response:
    """Cancel a job.

    200: it is cancelled, now or since before. 202: it runs and was asked to stop, which takes a
    second or two; a kind that does not listen is stopped by its time limit. What it has found so
    far is kept, marked as partial. It works while every worker is down, and asking twice does no
    harm.
    """
    person = require_api_person()
    with database().owner(person.id) as session:
        ended = cancel(session, path.job_id)
        view = None if ended is None else read_view(session, path.job_id)
    if ended is None or view is None:
        raise no_such_job(path.job_id)
    if ended.status not in (JobStatus.CANCELLED, JobStatus.RUNNING):
        raise ProblemError("job_already_ended", f"The job has {ended.status} already.")
    status = 200 if ended.status == JobStatus.CANCELLED else 202
    return Response(json.dumps(job_json(view)) + "\n", status, mimetype="application/json")
