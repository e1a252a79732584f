"""What a person does to a saved search: run it now, pause it, resume it, delete it."""

from __future__ import annotations

from uuid import UUID

from flask import make_response, redirect, render_template, request
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models import Job
from models.repeated import find_by_idempotency_key
from models.saved_search import PauseReason, SavedSearch
from models.schedule import ScheduleError
from tasks.registry import UnknownKindError
from tasks.saved_searches import database_time, run_now
from tasks.submission import InvalidParamsError, SameQuestionError
from webapp.auth import current_person
from webapp.db import database, settings
from webapp.idempotency import once
from webapp.limits import limit_submits
from webapp.pages.ask import page_key, read_key
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.saved import asked_about
from webapp.saved_searches import with_saved_search


@pages_blueprint.post("/saved/<uuid:saved_id>/runs")
@limit_submits
def run_saved_search(saved_id: UUID) -> AnyResponse:
    """Run it now and show the run; one that goes on already is shown instead."""
    person = current_person()
    if person is None:
        return error_response(404)
    key = page_key(read_key(request.form.get("idempotency_key")), request.path, {})

    def make(session: Session) -> Job:
        return run_now(
            session,
            settings(),
            session.get_one(SavedSearch, saved_id),
            idempotency_key=key.key,
            request_hash=key.request_hash,
        )

    try:
        job_id, _ = once(
            person.id, key, find=find_by_idempotency_key, make=make, show=lambda _, job: job.id
        )
    except NoResultFound:
        return error_response(404)
    except SameQuestionError as same:
        return redirect(f"/jobs/{same.job_id}?already", code=303)
    except (InvalidParamsError, UnknownKindError):
        return redirect(f"/saved/{saved_id}?gone", code=303)
    return redirect(f"/jobs/{job_id}", code=303)


@pages_blueprint.post("/saved/<uuid:saved_id>/pause")
def pause_saved_search(saved_id: UUID) -> AnyResponse:
    """Let it rest until it is resumed."""
    return _rest(saved_id, rests=True)


@pages_blueprint.post("/saved/<uuid:saved_id>/resumption")
def resume_saved_search(saved_id: UUID) -> AnyResponse:
    """Let it go on, from its next time; the page says what to do if there is none to be known."""
    return _rest(saved_id, rests=False)


@pages_blueprint.get("/saved/<uuid:saved_id>/deletion")
def ask_saved_deletion(saved_id: UUID) -> AnyResponse:
    """Say what goes and what stays, and ask."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        search = session.get(SavedSearch, saved_id)
        if search is None:
            return error_response(404)
        asked = asked_about(session, [search])[saved_id]
    return make_response(render_template("saved/deletion.html", search=search, asked_for=asked))


@pages_blueprint.post("/saved/<uuid:saved_id>/deletion")
def delete_saved_search(saved_id: UUID) -> AnyResponse:
    """Delete it, with the record of its times. What its runs found stays."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        search = session.get(SavedSearch, saved_id)
        if search is None:
            return error_response(404)
        session.delete(search)
    return redirect("/saved?deleted", code=303)


def _rest(saved_id: UUID, *, rests: bool) -> AnyResponse:
    person = current_person()
    if person is None:
        return error_response(404)

    def act(session: Session, search: SavedSearch) -> bool:
        if rests:
            search.pause(PauseReason.PERSON)
        elif search.is_paused:
            search.resume(database_time(session))
        return True

    try:
        if not with_saved_search(person.id, saved_id, act):
            return error_response(404)
    except ScheduleError:
        return redirect(f"/saved/{saved_id}?unreadable", code=303)
    if "list" in request.form:
        return redirect(f"/saved#saved-{saved_id}", code=303)
    return redirect(f"/saved/{saved_id}" + ("" if rests else "?resumed"), code=303)
