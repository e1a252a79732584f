"""Deleting a job."""

from __future__ import annotations

from flask import Response

from models.deleting import JobNotEndedError, TextUnderWayError
from tasks.deletion import delete
from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError
from webapp.resources.api import JOBS, api, problem_response
from webapp.resources.jobs import no_such_job
from webapp.resources.schemas import JobPath


@api.delete(
    "/jobs/<job_id>",
    tags=[JOBS],
    operation_id="delete_job",
    security=[{"token": []}],
    responses={
        204: None,
        404: problem_response("job_not_found"),
        409: problem_response("job_not_ended", "text_under_way"),
    },
)
def delete_job(path: JobPath) -> Response:
    """Delete a job that has ended, for good.

    Its result, inputs, links and events go with it. A text that has not gone out is not sent, and
    whoever carried one that has is asked to delete it.
    """
    person = require_api_person()
    try:
        is_gone = delete(database(), person.id, path.job_id)
    except JobNotEndedError:
        raise ProblemError("job_not_ended") from None
    except TextUnderWayError:
        raise ProblemError("text_under_way") from None
    if not is_gone:
        raise no_such_job(path.job_id)
    return Response(status=204)
