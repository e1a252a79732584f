"""What a site is asked, as a question to the postings that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.posting_store import PostingQuestion

if TYPE_CHECKING:
    from tasks.providers.job_board.base import Question


def about_kept(question: Question, sites: Sequence[str]) -> PostingQuestion:
    """Return the same question about what is kept of these sites."""
    return PostingQuestion(
        job_title=question.job_title,
        sites=sites,
        location=question.location,
        is_remote=question.is_remote,
        job_type=question.job_type,
        hours_old=question.hours_old,
        country=question.country,
    )
