"""A link to pass on: made, made anew and ended by the owner of a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import redirect
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer
from werkzeug.wrappers import Response as AnyResponse

from models import Job, ResultLink
from models.result_link import end_shared_links, shared_link
from webapp.auth import current_person
from webapp.db import database, settings
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.results import has_result


@pages_blueprint.post("/jobs/<uuid:job_id>/links")
def make_link(job_id: UUID) -> AnyResponse:
    """Make a link to pass on; the one before, if there is one, opens nothing from then on."""

    def make(session: Session, job: Job) -> None:
        end_shared_links(session, job.id)
        ResultLink.create(
            session,
            settings(),
            job_id=job.id,
            owner_id=job.owner_id,
            purpose="share",
            expires_at=job.expires_at,
        )

    return _change(job_id, make)


@pages_blueprint.post("/jobs/<uuid:job_id>/links/revocation")
def end_link(job_id: UUID) -> AnyResponse:
    """End the link that was passed on. Done twice it does no harm."""
    return _change(job_id, lambda session, job: end_shared_links(session, job.id))


def share_view(session: Session, job: Job) -> dict[str, Any]:
    """Return what the page of a search says about its link; `job.result` must be loaded already."""
    link = shared_link(session, job.id) if has_result(job) else None
    return {
        "can_share": has_result(job),
        "shared": link and {"url": link.url(settings()), "opens": link.opens},
    }


def _change(job_id: UUID, change: Callable[[Session, Job], None]) -> AnyResponse:
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        # One at a time, so that there is one link.
        job = session.scalar(
            select(Job)
            .where(Job.id == job_id)
            .options(undefer(Job.result))
            .with_for_update(key_share=True)
        )
        if job is None:
            return error_response(404)
        if not has_result(job):
            return redirect(f"/jobs/{job_id}", code=303)
        change(session, job)
    return redirect(f"/jobs/{job_id}#share", code=303)
