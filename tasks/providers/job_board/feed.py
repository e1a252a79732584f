"""A feed of postings: of the operator's, by address or file, or of a person's own, by address."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from models.posting_sites import FEED, OWN_FEED
from models.posting_store import find_postings, keep_postings
from tasks.fetch import MESSAGES as FETCH_MESSAGES
from tasks.fetch import Fetched, Fetcher, FetchError
from tasks.providers.job_board.asking import about_kept
from tasks.providers.job_board.base import MESSAGES, BoardError
from tasks.providers.job_board.feed_formats import read_feed
from tasks.providers.job_board.feed_item import FeedItem, NotAFeedError

if TYPE_CHECKING:
    from models import Database
    from models.posting import KeptPosting
    from tasks.providers.job_board.base import Attempt, Question
    from tasks.providers.job_board.pace import Pace

MOST_BYTES = 5_000_000
ACCEPT = (
    "application/feed+json, application/atom+xml, application/rss+xml, application/ld+json, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.9, text/html;q=0.8"
)
# Of one host. A feed is made to be fetched, one every second is no burden.
INTERVAL_SECONDS = 1.0


class FeedBoard:
    """Reads a whole feed, keeps what is in it, and answers with what fits.

    What fits is decided as for postings that are kept already, so that Korean titles and typing
    errors are treated alike everywhere.
    """

    stage = "Reading a feed"

    def __init__(self, database: Database, pace: Pace, source: str, *, is_own: bool) -> None:
        """Prepare to read a feed.

        Args:
            database: where postings are kept.
            pace: turns at asking a host.
            source: an http(s) address; of the operator's, a file as well.
            is_own: a person gave it. It is fetched from the public internet alone, and what it
                tells is shown to those who name the same address.
        """
        self._database = database
        self._pace = pace
        self._source = source
        self._is_own = is_own
        name = hashlib.sha256(source.encode()).hexdigest()[:16]
        self.site = f"{OWN_FEED}{name}" if is_own else f"{FEED}/{name}"
        self.label = urlsplit(source).hostname or Path(source).name

    def search(self, question: Question, attempt: Attempt) -> list[KeptPosting]:
        """Return the postings of the feed that fit, the nearest first."""
        fetched = self._read(attempt)
        try:
            items = read_feed(fetched.body, media_type=fetched.media_type, url=fetched.url)
        except NotAFeedError as error:
            raise BoardError("failed", MESSAGES["not_a_feed"], permanent=True) from error
        attempt.raise_if_stopped()
        told = [item.posting for item in items if _is_fresh(item, question.hours_old)]
        with self._database.worker() as session:
            kept = {one.id: one for one in keep_postings(session, self.site, told)}
            asked = replace(about_kept(question, [self.site]), hours_old=None)
            fitting = find_postings(session, asked, limit=question.results_wanted, among=list(kept))
        return [kept[one.id] for one in fitting]

    def _read(self, attempt: Attempt) -> Fetched:
        host = urlsplit(self._source).hostname
        if host is None:
            return _read_file(Path(self._source))
        self._pace.wait_for_turn(f"host {host}", attempt.raise_if_stopped, INTERVAL_SECONDS)
        try:
            if self._is_own:
                return attempt.fetch(self._source, max_bytes=MOST_BYTES, accept=ACCEPT)
            # Whoever runs the service may keep a feed inside their own network.
            fetcher = Fetcher(is_allowed=lambda _address: True)
            return fetcher.fetch(self._source, max_bytes=MOST_BYTES, accept=ACCEPT)
        except FetchError as error:
            if error.values.get("status") == 429:
                self._pace.let_rest(f"host {host}")
                raise BoardError("throttled", MESSAGES["throttled"]) from error
            raise BoardError("failed", _words(error), permanent=error.permanent) from error


def _is_fresh(item: FeedItem, hours_old: int | None) -> bool:
    """Tell whether an item is young enough; one without a date is taken for new."""
    if hours_old is None or item.posted_at is None:
        return True
    return item.posted_at >= datetime.now(UTC) - timedelta(hours=hours_old)


def _read_file(path: Path) -> Fetched:
    try:
        with path.open("rb") as file:
            body = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BoardError("failed", MESSAGES["file_unreadable"], permanent=True) from error
    if len(body) > MOST_BYTES:
        raise BoardError("failed", MESSAGES["feed_too_large"], permanent=True)
    return Fetched(url=path.absolute().as_uri(), media_type="", body=body)


def _words(error: FetchError) -> str:
    """Return why an address gave nothing, as a sentence that is the same for every such error."""
    if error.code == "fetch_too_large":
        return MESSAGES["feed_too_large"]
    if error.code == "fetch_refused":
        return MESSAGES["refused" if error.permanent else "no_answer"]
    return FETCH_MESSAGES[error.code]
