"""Jobs: submit one, read one, wait for one, list them."""

from __future__ import annotations

import base64
import binascii
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request

from models import Job as JobRow
from models.job import jobs_page
from webapp.auth import CurrentPerson, require_api_person
from webapp.db import database
from webapp.errors import ProblemError, invalid_field
from webapp.limits import limit_submits
from webapp.live import hub
from webapp.resources.answers import answer_submit
from webapp.resources.api import JOBS, PREFIX, api, problem_response
from webapp.resources.job_json import JobView, job_json, read_view, views_of
from webapp.resources.schemas import (
    Job,
    JobAlreadyRunning,
    JobList,
    JobListQuery,
    JobPath,
    JobQuery,
    KeyHeader,
)
from webapp.resources.submissions import FORM, read_submit
from webapp.snapshot import Snapshot
from webapp.watcher import WatchEndedError

_SUBMIT_BODY: dict[str, Any] = {
    "required": True,
    "description": (
        "JSON; or a form, whose file parts are named like the param they fill, such as "
        "`image=@photo.jpg`, and whose other params are a JSON text in `params` or fields of "
        "their own, repeated for lists."
    ),
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/JobRequest"}},
        FORM: {"schema": {"$ref": "#/components/schemas/JobForm"}},
    },
}
_NOT_MODIFIED = {"description": "Nothing has changed since the ETag in If-None-Match."}


@api.post(
    "/jobs",
    tags=[JOBS],
    operation_id="submit_job",
    security=[{"token": []}],
    responses={
        200: JobAlreadyRunning,
        202: Job,
        400: problem_response("malformed_request", "malformed_json"),
        413: problem_response("body_too_large", "file_too_large", "upload_quota"),
        415: problem_response("unsupported_media_type"),
        422: problem_response(
            "invalid_request", "unknown_kind", "phone_not_verified", "texts_off", "empty_file",
            "not_a_picture", "picture_truncated", "picture_too_large", "idempotency_key_reused",
        ),
        429: problem_response("too_many_requests"),
    },
    openapi_extensions={"requestBody": _SUBMIT_BODY},
)  # fmt: skip
@limit_submits
def submit_job(header: KeyHeader) -> Response:
    """Submit a job.

    The answer comes at once, when the job is safely written down; `Location` is where it can be
    read from then on. With a file, file and job are written together or not at all.

    A submit whose answer got lost, or was a 503, is safely sent again under the same
    `Idempotency-Key`. A job of yours with the same kind and params that has not ended yet is
    answered with 200 and `already_running`, unless `force` is true.
    """
    person = require_api_person()
    incoming = read_submit()
    key = incoming.key(header.idempotency_key)
    return answer_submit(
        person,
        key,
        lambda session: incoming.submit(session, person, key),
        writes_first=bool(incoming.files),
    )


@api.get(
    "/jobs",
    tags=[JOBS],
    operation_id="list_jobs",
    responses={200: JobList},
)
def list_jobs(query: JobListQuery) -> dict[str, Any]:
    """List your jobs, newest first.

    `next` is the address of the page after this one, with the same filters. A job that is made
    meanwhile shifts nothing.
    """
    person = require_api_person()
    with database().owner(person.id) as session:
        rows = jobs_page(
            session,
            limit=query.limit + 1,
            before=None if query.cursor is None else _read_cursor(query.cursor),
            kind=query.kind,
            status=query.status,
            source=query.source,
        )
        views = views_of(session, rows[: query.limit])
    further = None
    if len(rows) > query.limit:
        filters = query.model_dump(mode="json", exclude_none=True, exclude={"cursor"})
        cursor = _cursor(views[-1].job)
        further = f"{PREFIX}/jobs?{urlencode({**filters, 'cursor': cursor})}"
    return {"jobs": [job_json(view) for view in views], "next": further}


@api.get(
    "/jobs/<job_id>",
    tags=[JOBS],
    operation_id="read_job",
    responses={
        200: Job,
        304: _NOT_MODIFIED,
        404: problem_response("job_not_found"),
        429: problem_response("too_many_requests"),
        503: problem_response("too_many_streams", "database_unavailable"),
    },
)
def read_job(path: JobPath, query: JobQuery) -> Response:
    """Read a job, or wait for it.

    With the ETag of the last answer in `If-None-Match`, an unchanged job is a 304 without a body,
    and `?wait=` holds the answer back until something changes. Without that header `?wait=` holds
    it back until the job has ended. After the seconds given it answers as it stands.
    """
    person = require_api_person()
    snapshot = Snapshot.of(find_view(person, path.job_id))
    if query.wait and not _is_awaited(snapshot):
        snapshot = _wait(person, path.job_id, query.wait, snapshot)
    if _is_known(snapshot):
        response = Response(status=304)
    else:
        response = Response(snapshot.body + "\n", mimetype="application/json")
    response.set_etag(snapshot.tag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def find_view(person: CurrentPerson, job_id: UUID) -> JobView:
    """Return a job of this person.

    Raises:
        ProblemError: there is none; the same for somebody else's.
    """
    with database().owner(person.id) as session:
        view = read_view(session, job_id)
    if view is None:
        raise no_such_job(job_id)
    return view


def no_such_job(job_id: UUID) -> ProblemError:
    """Return the problem of a job that does not exist or is not theirs."""
    return ProblemError("job_not_found", f"You have no job {job_id}.")


def _wait(person: CurrentPerson, job_id: UUID, seconds: float, last: Snapshot) -> Snapshot:
    """Return the first state the client waits for; holds nothing of the database meanwhile."""
    deadline = time.monotonic() + seconds
    with closing(hub().watch(job_id, person)) as watcher:
        # Once more, for what happened before the watch began.
        last = Snapshot.of(find_view(person, job_id))
        watcher.saw(last)
        while not _is_awaited(last) and (left := deadline - time.monotonic()) > 0:
            try:
                last = watcher.next(left) or last
            except WatchEndedError:
                # Who may not read any more, or reads a job that is gone, is told so.
                return Snapshot.of(find_view(person, job_id))
    return last


def _is_awaited(snapshot: Snapshot) -> bool:
    if snapshot.is_final:
        return True
    return bool(request.if_none_match) and not _is_known(snapshot)


def _is_known(snapshot: Snapshot) -> bool:
    return bool(request.if_none_match.contains_weak(snapshot.tag))


def _cursor(job: JobRow) -> str:
    return base64.urlsafe_b64encode(job.id.bytes).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error):
        raise invalid_field("cursor", "must come from `next` of the page before") from None
