"""What the page of a result shows, the owner's and the public one."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobStatus, ProductCategory
from webapp.pages.words import in_language, job_error, title_of


def result_view(session: Session, job: Job) -> dict[str, Any]:
    """Return what the templates of an ended job need. `job.result` must be loaded already.

    Nothing of the owner is in it but the categories asked for.
    """
    why, next_step = job_error(job.error_code, job.error_message)
    return {
        "title": headline(job),
        "kind_title": title_of(job.kind),
        "category_labels": category_labels(session, job),
        "result": job.result if job.status == JobStatus.SUCCEEDED else None,
        "result_template": f"results/{job.kind}.html",
        "expires_at": job.expires_at,
        "why": why,
        "next_step": next_step,
    }


def headline(job: Job) -> str:
    """Return what a tab's title says about a job."""
    if job.status == JobStatus.QUEUED:
        return gettext("Waiting for its turn")
    if job.status == JobStatus.RUNNING:
        return gettext("Searching …")
    if job.status == JobStatus.CANCELLED:
        return gettext("This search was cancelled")
    if job.status == JobStatus.FAILED:
        return gettext("This search could not be finished")
    if job.result_count is None:
        return title_of(job.kind)
    return count_of(job)


def count_of(job: Job) -> str:
    """Return how much a job found, in words."""
    if job.kind == "image_search":
        return ngettext("%(num)s match", "%(num)s matches", job.result_count)
    return ngettext("%(num)s result", "%(num)s results", job.result_count)


def category_labels(session: Session, job: Job) -> list[str]:
    """Return the categories somebody kept to, in the reader's language."""
    keys = job.params.get("categories") or []
    if not keys:
        return []
    rows = session.scalars(select(ProductCategory).where(ProductCategory.key.in_(keys)))
    return [in_language(row, "label") for row in rows]
