"""The boards of this installation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from models.posting_sites import FEED, SAMPLE
from models.posting_store import find_postings, like_place
from tasks import runtime
from tasks.providers.job_board.asking import about_kept
from tasks.providers.job_board.feed import FeedBoard
from tasks.providers.job_board.jobspy import JobspyBoard
from tasks.providers.job_board.pace import Pace
from tasks.providers.job_board.sample import SampleBoard

if TYPE_CHECKING:
    from models import Database, Settings
    from models.posting import KeptPosting
    from tasks.providers.job_board.base import JobBoard, Question


log = logging.getLogger(__name__)


class JobBoards:
    """Makes the boards a search asks, and answers from what is kept of them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Made by Providers."""
        self._database = database
        self._settings = settings
        self._pace = Pace(
            runtime.redis_client,
            interval_seconds=settings.posting_site_interval_seconds,
            processes=settings.worker_concurrency,
        )

    def of(self, sites: Sequence[str], feeds: Sequence[str]) -> list[JobBoard]:
        """Return the boards to ask, in order.

        Args:
            sites: names this server offers; empty for all of them.
            feeds: addresses of a person's own feeds.
        """
        offered = self._settings.offered_sites
        boards: list[JobBoard] = []
        for site in offered:
            if sites and site not in sites:
                continue
            if site == SAMPLE:
                boards.append(SampleBoard(self._database))
            elif site == FEED:
                boards.extend(self._feed(source, is_own=False) for source in self._settings.feeds)
            else:
                proxies = self._settings.proxies
                boards.append(JobspyBoard(self._database, self._pace, site, proxies))
        boards.extend(self._feed(source, is_own=True) for source in dict.fromkeys(feeds))
        return boards

    def kept(
        self, question: Question, boards: Sequence[JobBoard], *, limit: int
    ) -> list[KeptPosting]:
        """Return what earlier searches of these boards have found and fits, the nearest first."""
        asked = about_kept(question, [board.site for board in boards])
        with self._database.worker() as session:
            return find_postings(session, asked, limit=limit)

    def like_place(self, question: Question, boards: Sequence[JobBoard]) -> str | None:
        """Return a place of nearly the name that was asked for, where these boards have something;
        None where there is none, or it is not found out in time.
        """
        asked = about_kept(question, [board.site for board in boards])
        try:
            with self._database.worker() as session:
                return like_place(session, asked)
        except DBAPIError as error:
            log.warning("places not looked through: %s", type(error.orig).__name__)
            return None

    def _feed(self, source: str, *, is_own: bool) -> FeedBoard:
        return FeedBoard(self._database, self._pace, source, is_own=is_own)
