"""The answer to whatever makes a job: a new one, an earlier one, or one that asks the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flask import Response, json
from sqlalchemy.orm import Session

from models import Job
from models.repeated import find_by_idempotency_key
from tasks.submission import SameQuestionError
from webapp.auth import CurrentPerson
from webapp.idempotency import REPLAYED_HEADER, IdempotencyKey, MadeMeanwhileError, once
from webapp.resources.job_json import job_json, views_of

# In the `meta` of a job that a key was put to which had not made it.
_JOINED = "joined"


def answer_submit(
    person: CurrentPerson,
    key: IdempotencyKey | None,
    make: Callable[[Session], Job],
    *,
    writes_first: bool = False,
) -> Response:
    """Make a job, unless this key or the same question has one already, and answer with it.

    Args:
        person: whose job it is.
        key: what tells a repeated request.
        make: writes the job, or raises SameQuestionError.
        writes_first: whether `make` may have written something before it raises that.
    """
    is_running = False

    def make_or_join(session: Session) -> Job:
        nonlocal is_running
        is_running = False
        try:
            with session.begin_nested() if writes_first else nullcontext():
                return make(session)
        except SameQuestionError as same:
            is_running = True
            job = session.get_one(Job, same.job_id)
            if key is not None and job.idempotency_key == key.key:
                raise MadeMeanwhileError from None
            if key is not None and job.idempotency_key is None:
                # The same request once more is to be answered alike, the job ended or not.
                job.idempotency_key, job.request_hash = key.key, key.request_hash
                job.meta = {**(job.meta or {}), _JOINED: True}
                session.flush()
            return job

    def show(session: Session, job: Job) -> dict[str, Any]:
        nonlocal is_running
        if key is not None and job.idempotency_key == key.key:
            is_running = _JOINED in (job.meta or {})
        session.refresh(job)  # with the times the database wrote
        return job_json(views_of(session, [job])[0])

    body, is_replay = once(
        person.id, key, find=find_by_idempotency_key, make=make_or_join, show=show
    )
    if is_running:
        body["already_running"] = True
    response = Response(
        json.dumps(body) + "\n", 200 if is_running else 202, mimetype="application/json"
    )
    response.headers["Location"] = body["links"]["self"]
    if is_replay:
        response.headers[REPLAYED_HEADER] = "true"
    return response
