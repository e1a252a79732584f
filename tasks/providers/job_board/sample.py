"""The sample postings in Postgres: what a fresh installation has to search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.posting_sites import SAMPLE, SITES
from models.posting_store import find_postings
from tasks.providers.job_board.asking import about_kept

if TYPE_CHECKING:
    from models import Database
    from models.posting import KeptPosting
    from tasks.providers.job_board.base import Attempt, Question


class SampleBoard:
    """Searches by full text and trigrams, in English and Korean.

    Distances are not known to it; a place is looked for by its name.
    """

    site = SAMPLE
    label = SITES[SAMPLE]
    stage = "Searching the sample postings"

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, question: Question, attempt: Attempt) -> list[KeptPosting]:
        """Return the sample postings that fit."""
        attempt.raise_if_stopped()
        with self._database.worker() as session:
            asked = about_kept(question, [self.site])
            return find_postings(session, asked, limit=question.results_wanted)
