"""Deleting one of one's own searches: asked once more, since nothing brings it back."""

from __future__ import annotations

from uuid import UUID

from flask import make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from models import Job
from models.deleting import JobNotEndedError, TextUnderWayError
from tasks.deletion import delete
from webapp.auth import current_person
from webapp.db import database
from webapp.pages.asked import asked_of
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.results import photo_of


@pages_blueprint.get("/jobs/<uuid:job_id>/deletion")
def ask_deletion(job_id: UUID) -> AnyResponse:
    """Say what goes, and ask."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        job = session.get(Job, job_id)
        if job is None:
            return error_response(404)
        asked = asked_of(session, [job]).get(job.id, [])
        has_photo = photo_of(session, job) is not None
    if not job.is_final:
        return redirect(f"/jobs/{job_id}")
    problem = gettext("Its text is being sent just now. Try again in some minutes, please.")
    page = render_template(
        "deletion.html",
        job=job,
        asked_for=asked,
        has_photo=has_photo,
        problem=problem if "sending" in request.args else None,
    )
    return make_response(page)


@pages_blueprint.post("/jobs/<uuid:job_id>/deletion")
def delete_search(job_id: UUID) -> AnyResponse:
    """Delete it; one that was taken up again meanwhile is shown instead."""
    person = current_person()
    if person is None:
        return error_response(404)
    try:
        if not delete(database(), person.id, job_id):
            return error_response(404)
    except JobNotEndedError:
        return redirect(f"/jobs/{job_id}", code=303)
    except TextUnderWayError:
        return redirect(f"/jobs/{job_id}/deletion?sending", code=303)
    return redirect("/jobs?deleted", code=303)
