"""What the page of a result shows, the owner's and the public one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobStatus, Upload
from tasks.fields import upload_fields
from tasks.registry import kinds
from webapp.pages.asked import asked_of
from webapp.pages.choosing import IMAGE_SEARCH, POSTING_SEARCH
from webapp.pages.words import job_error, title_of
from webapp.resources.job_json import has_expired


def result_view(session: Session, job: Job) -> dict[str, Any]:
    """Return what the templates of an ended job need. `job.result` must be loaded already.

    Nothing of the owner is in it but what was asked for.
    """
    why, next_step = job_error(job.error_code, job.error_message)
    return {
        "title": headline(job),
        "kind_title": title_of(job.kind),
        "asked_for": asked_of(session, [job]).get(job.id, []),
        # Whatever the end: what a search kept on its way is shown, with its label.
        "result": job.result if job.is_final else None,
        "so_far": None if job.is_final else job.result,
        "result_template": f"results/{job.kind}.html",
        "expires_at": job.expires_at,
        "why": why,
        "next_step": next_step,
    }


def has_result(job: Job) -> bool:
    """Whether its answer, or a part of one, is there to be seen. `job.result` must be loaded."""
    return job.is_final and job.result is not None and not has_expired(job)


def headline(job: Job) -> str:
    """Return what a tab's title says about a job."""
    if job.status == JobStatus.QUEUED:
        return gettext("Waiting for its turn")
    if job.status == JobStatus.RUNNING:
        return gettext("Stopping …") if job.cancel_requested_at else gettext("Searching …")
    if job.status == JobStatus.CANCELLED:
        return gettext("This search was cancelled")
    if job.status == JobStatus.FAILED:
        return gettext("This search could not be finished")
    if job.result_count is None:
        return title_of(job.kind)
    return count_of(job)


def count_of(job: Job) -> str:
    """Return how much a job found, in words, and how much of it is new where that is known."""
    if job.new_count is not None and job.result_count:
        return gettext("%(new)s new of %(num)s", new=job.new_count, num=job.result_count)
    if job.kind == IMAGE_SEARCH:
        return ngettext("%(num)s match", "%(num)s matches", job.result_count)
    if job.kind == POSTING_SEARCH:
        return ngettext("%(num)s posting", "%(num)s postings", job.result_count)
    return ngettext("%(num)s result", "%(num)s results", job.result_count)


def photo_of(session: Session, job: Job) -> UUID | None:
    """Return the person's own photo that a job is about, if its kind takes one and it is there."""
    kind = kinds().get(job.kind)
    for name in upload_fields(kind.params) if kind else ():
        try:
            upload_id = UUID(job.params.get(name))
        except (TypeError, ValueError, AttributeError):
            continue  # none was given, or the kind once meant something else by it
        media_type = session.scalar(select(Upload.media_type).where(Upload.id == upload_id))
        if media_type is not None and media_type.startswith("image/"):
            return upload_id
    return None
