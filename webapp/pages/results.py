"""What the page of a result shows, the owner's and the public one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobStatus, ProductCategory, Upload
from tasks.fields import upload_fields
from tasks.registry import kinds
from webapp.pages.words import in_language, job_error, title_of
from webapp.resources.job_json import has_expired

# The kind these pages have a form for.
IMAGE_SEARCH = "image_search"


def result_view(session: Session, job: Job) -> dict[str, Any]:
    """Return what the templates of an ended job need. `job.result` must be loaded already.

    Nothing of the owner is in it but the categories asked for.
    """
    why, next_step = job_error(job.error_code, job.error_message)
    return {
        "title": headline(job),
        "kind_title": title_of(job.kind),
        "category_labels": category_labels(session, [job]).get(job.id, []),
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
    """Return how much a job found, in words."""
    if job.kind == IMAGE_SEARCH:
        return ngettext("%(num)s match", "%(num)s matches", job.result_count)
    return ngettext("%(num)s result", "%(num)s results", job.result_count)


def category_labels(session: Session, jobs: Iterable[Job]) -> dict[UUID, list[str]]:
    """Return the categories each search keeps to, in the reader's language; one query for all.

    Another package's kind may mean anything by a param of this name, so it has none.
    """
    keys = {job.id: _categories(job) for job in jobs if job.kind == IMAGE_SEARCH}
    wanted = {key for own in keys.values() for key in own}
    if not wanted:
        return {}
    rows = session.scalars(select(ProductCategory).where(ProductCategory.key.in_(wanted)))
    labels = {row.key: in_language(row, "label") for row in rows}
    return {job_id: [labels[key] for key in own if key in labels] for job_id, own in keys.items()}


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


def _categories(job: Job) -> list[str]:
    keys = job.params.get("categories")
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
