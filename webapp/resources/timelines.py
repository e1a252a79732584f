"""Timelines: what happened to a job, in words for people."""

from __future__ import annotations

from flask import Response, json, request
from sqlalchemy import select

from models import Job, Notification
from models.job_event import timeline
from tasks.cancellation import settle
from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError
from webapp.resources.api import JOBS, api, problem_response
from webapp.resources.job_json import has_expired, json_time
from webapp.resources.jobs import no_such_job
from webapp.resources.schemas import JobPath, Timeline
from webapp.text_words import text_lines
from webapp.timeline import LANGUAGES, timeline_lines


@api.get(
    "/jobs/<job_id>/timeline",
    tags=[JOBS],
    operation_id="read_timeline",
    responses={
        200: Timeline,
        404: problem_response("job_not_found"),
        410: problem_response("job_expired"),
    },
)
def read_timeline(path: JobPath) -> Response:
    """Read what happened to a job, oldest first.

    The sentences are in the language of `Accept-Language`, English or Korean, else in the job's
    own.
    """
    person = require_api_person()
    with database().owner(person.id) as session:
        job = session.get(Job, path.job_id)
        if job is None:
            raise no_such_job(path.job_id)
        settle(session, job)
        events = timeline(session, job.id)
        text = session.scalar(select(Notification).where(Notification.job_id == job.id))
    if has_expired(job):
        raise ProblemError("job_expired", f"It was kept until {job.expires_at:%Y-%m-%d}.")
    language = request.accept_languages.best_match(LANGUAGES) or job.locale
    body = {
        "events": [
            {
                "at": json_time(line.at),
                "event": line.event,
                "attempt": line.attempt,
                "text": line.text,
            }
            for line in timeline_lines(events, language) + text_lines(text, language)
        ]
    }
    response = Response(json.dumps(body) + "\n", mimetype="application/json")
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response
