"""What a person does to a search of theirs: stop it, or run it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from flask import redirect, request
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models import Job, JobSource, Upload, User
from models.repeated import find_by_idempotency_key
from models.suppression import why_stopped
from tasks.cancellation import cancel
from tasks.fields import upload_fields
from tasks.registry import UnknownKindError, kinds
from tasks.submission import InvalidParamsError, SameQuestionError, Submission, submit
from webapp.auth import current_person
from webapp.db import database, settings
from webapp.i18n import current_language
from webapp.idempotency import IdempotencyKey, once
from webapp.limits import limit_submits
from webapp.pages.ask import page_key, read_key
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.choosing import POSTING_SEARCH
from webapp.pages.errors import error_response
from webapp.pages.words import is_about_input


@pages_blueprint.post("/jobs/<uuid:job_id>/cancellation")
def stop(job_id: UUID) -> AnyResponse:
    """Stop a search: at once while it waits, else as soon as its worker hears of it."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        if cancel(session, job_id) is None:
            return error_response(404)
    return redirect("/jobs" if "list" in request.form else f"/jobs/{job_id}", code=303)


@pages_blueprint.post("/jobs/<uuid:job_id>/reruns")
@limit_submits
def again(job_id: UUID) -> AnyResponse:
    """Run a search again, unless the same one runs already; `force` starts it all the same.

    With `location` a search for postings is run with that place, or anywhere for an empty one: that
    is another search.
    """
    person = current_person()
    if person is None:
        return error_response(404)
    force = "force" in request.form
    location = request.form.get("location")
    asked = {"force": force, "location": location}
    key = page_key(read_key(request.form.get("idempotency_key")), request.path, asked)

    def make(session: Session) -> Job:
        return _run_again(session, person.id, job_id, key, force=force, location=location)

    try:
        new_id, _ = once(
            person.id, key, find=find_by_idempotency_key, make=make, show=lambda _, job: job.id
        )
    except NoResultFound:
        return error_response(404)
    except SameQuestionError as same:
        return redirect(f"/jobs/{same.job_id}?already", code=303)
    except (InvalidParamsError, UnknownKindError):
        return redirect(f"/jobs/{job_id}?gone", code=303)
    return redirect(f"/jobs/{new_id}", code=303)


def _run_again(
    session: Session,
    person_id: UUID,
    job_id: UUID,
    key: IdempotencyKey,
    *,
    force: bool,
    location: str | None,
) -> Job:
    job = session.get_one(Job, job_id)
    user = session.get_one(User, person_id)
    can_text = (
        settings().sms_provider != "none"
        and user.has_verified_phone
        and why_stopped(session, user.phone_hash) is None
    )
    submission = Submission.again(
        job,
        notify=job.notify if can_text else "none",
        locale=current_language(),
        idempotency_key=key.key,
        request_hash=key.request_hash,
        force=force,
    )
    if location is not None and job.kind == POSTING_SEARCH:
        params = job.params | {"location": location}
        if not location:
            params.pop("distance_km", None)  # it means nothing without a place
        submission = replace(submission, params=params, source=JobSource.MANUAL, rerun_of_id=None)
    return submit(session, settings(), person_id, submission)


def repeatable(session: Session, jobs: Iterable[Job]) -> set[UUID]:
    """Return those of a person's jobs that can be run again; one query for all.

    Only what has ended, is of a kind there still is, has all its inputs, and did not fail because
    of these: the same photo is as damaged the second time.
    """
    wanted: dict[UUID, set[UUID]] = {}
    for job in jobs:
        kind = kinds().get(job.kind)
        if kind is None or not job.is_final or job.pruned_at or is_about_input(job.error_code):
            continue
        given = [job.params.get(name) for name in upload_fields(kind.params)]
        try:
            wanted[job.id] = {UUID(upload_id) for upload_id in given if upload_id is not None}
        except (TypeError, ValueError, AttributeError):
            continue  # the kind once meant something else by this param
    uploads = set().union(*wanted.values())
    there = (
        set(session.scalars(select(Upload.id).where(Upload.id.in_(uploads)))) if uploads else set()
    )
    return {job_id for job_id, needed in wanted.items() if needed <= there}
