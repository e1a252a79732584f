"""From a form to a search: started once, shown if it runs already, its phone proven beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models import Job, JobSource, JobStatus, User
from models.repeated import find_by_idempotency_key
from models.suppression import why_stopped
from tasks.late_texts import text_when_done
from tasks.submission import InvalidParamsError, SameQuestionError, Submission, submit
from webapp.auth import CurrentPerson, current_person, ensure_account
from webapp.db import database, settings
from webapp.i18n import current_language
from webapp.idempotency import once
from webapp.identity import send_code
from webapp.pages.ask import Ask, NotRightError
from webapp.pages.asked import asked_of
from webapp.pages.templating import clock, masked
from webapp.pages.verify import CAPPED, allowed_countries
from webapp.pages.words import status_words


def take_in(form: Ask, show: Callable[[Ask], Response]) -> AnyResponse:
    """Start what a sent form asks for and lead to its page, or `show` it with all that is wrong."""
    if not form.errors:
        try:
            return redirect(_start(form), code=303)
        except InvalidParamsError as error:
            form.refuse(error)
        except NotRightError:
            pass  # the form says what
    if form.has_files:
        # Kept whatever else is wrong, so that nothing need be chosen again; it goes after a day.
        person = ensure_account(current_language())
        with database().owner(person.id) as session:
            form.keep_files(session, person.id)
    return show(form)


def show_form(template: str, form: Ask, **more: Any) -> Response:
    """Draw a form with what all of them have: texts, the number, and a search that runs."""
    texts = settings().sms_provider != "none"
    person = current_person()
    known_phone, running, stopped = None, None, None
    if person is not None:
        with database().owner(person.id) as session:
            running = _running(session)
            user = session.get(User, person.id) if texts else None
            if user is not None and user.has_verified_phone and user.phone_last_digits:
                known_phone = masked(user.phone_last_digits)
                stopped = why_stopped(session, user.phone_hash)
    page = render_template(
        template,
        form=form,
        errors=form.errors,
        kind=form.kind,
        countries=allowed_countries() if texts else (),
        texts=settings().sms_provider if texts else None,
        known_phone=known_phone,
        masked_phone=known_phone,
        stopped=stopped,
        running=running,
        max_bytes=settings().max_upload_bytes,
        **more,
    )
    return make_response(page, 422 if form.errors else 200)


def _start(form: Ask) -> str:
    """Start what the form asks for and return the page of it.

    The same form sent twice is one search; the same question that runs already is shown.

    Raises:
        InvalidParamsError: the kind refuses it.
        NotRightError: the form says why.
    """
    person = ensure_account(current_language())
    key = form.idempotency_key(f"POST {request.path}")

    def make(session: Session) -> Job:
        form.keep_files(session, person.id)
        if form.errors:
            raise NotRightError
        user = _user(session, person.id)
        submission = Submission(
            kind=form.kind,
            params=form.params(),
            source=JobSource.MANUAL,
            notify="sms" if form.wants_text(session, user) else "none",
            locale=current_language(),
            idempotency_key=key.key,
            request_hash=key.request_hash,
            force=False,
        )
        return submit(session, settings(), person.id, submission)

    try:
        job_id, _ = once(
            person.id, key, find=find_by_idempotency_key, make=make, show=lambda _, job: job.id
        )
    except SameQuestionError as same:
        with database().owner(person.id) as session:
            if form.wants_text(session, _user(session, person.id)):
                text_when_done(session, settings(), same.job_id)
            earlier = session.get_one(Job, same.job_id).idempotency_key
        # Another tap on the same button is no other search, and nothing to explain.
        more = _ask_for_proof(person, form, same.job_id)
        return f"/jobs/{same.job_id}" + (more or ("" if earlier == key.key else "?already"))
    return f"/jobs/{job_id}" + _ask_for_proof(person, form, job_id)


def _ask_for_proof(person: CurrentPerson, form: Ask, job_id: UUID) -> str:
    """Text a code to a number that is not proven; the search has begun without waiting for it."""
    with database().owner(person.id) as session:
        number = form.to_verify(session.get_one(User, person.id))
    if number is None:
        return ""
    asked = send_code(person, number, locale=current_language(), job_id=job_id)
    return "" if asked.code_id is not None else f"?code={CAPPED}"


def _user(session: Session, person_id: UUID) -> User:
    user = session.get_one(User, person_id)
    user.locale = current_language()
    session.flush()
    return user


def _running(session: Session) -> dict[str, Any] | None:
    """Return the person's newest search that has not ended, so that nobody starts it again."""
    job = session.scalar(
        select(Job)
        .where(Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING)))
        .order_by(Job.id.desc())
        .limit(1)
    )
    if job is None:
        return None
    now = datetime.now(UTC)
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "asked_for": asked_of(session, [job]).get(job.id),
        "created_at": job.created_at,
        "now": now,
        "elapsed": clock((now - job.created_at).total_seconds()),
        "words": status_words(),
    }
