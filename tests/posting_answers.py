"""Answers of a search for postings, as a worker writes them; a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from factories import claim_job

from models import Database
from models.ids import new_id
from tasks.posting_result import FoundPosting, PostingSite, Result, SiteOutcome, result_of
from tasks.wake import wake_on_commit


def make_posting(title: str, site: str = "indeed", **more: Any) -> FoundPosting:
    """Return a posting that one site has, or those of `sites`."""
    labels = {"indeed": "Indeed", "linkedin": "LinkedIn", "sample": "Sample postings"}
    given: dict[str, Any] = {
        "id": new_id(),
        "title": title,
        "company": None,
        "location": None,
        "country": None,
        "url": f"https://{site}.example/{title.replace(' ', '-')}",
        "is_remote": None,
        "job_type": None,
        "salary": None,
        "posted_on": None,
        "first_seen_at": datetime.now(UTC),
        "description": "",
        **more,
    }
    sites = given.pop("sites", [site])
    return FoundPosting(
        **given,
        sites=[PostingSite(site=one, label=labels[one], url=given["url"]) for one in sites],
    )


def make_answer(
    *postings: FoundPosting, sites: list[SiteOutcome] | None = None, known: bool = False
) -> Result:
    """Return the answer that holds these postings; all of Indeed unless told otherwise."""
    outcomes = sites if sites is not None else [make_outcome("Indeed", "ok", len(postings))]
    return result_of(postings, outcomes, known=known)


def make_outcome(
    label: str, status: Any, count: int = 0, message: str | None = None
) -> SiteOutcome:
    """Return what became of asking a site."""
    return SiteOutcome(site=label.lower(), label=label, status=status, count=count, message=message)


def end_with(database: Database, job_id: UUID, answer: Result) -> None:
    """End a search with an answer, as its worker would."""
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, answer.model_dump(mode="json"), result_count=len(answer.postings))
        wake_on_commit(session, job_id)
