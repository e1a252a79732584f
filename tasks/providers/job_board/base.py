"""What every site with job postings can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from models.errors import TextbackError

if TYPE_CHECKING:
    from models.posting import KeptPosting
    from tasks.fetch import Fetched

# How asking a site ends other than well.
Trouble = Literal["failed", "throttled", "unavailable", "skipped"]

# Sentences for people, and the keys of their translations.
MESSAGES = {
    "throttled": "This site asks us to slow down. Later searches ask it again.",
    "cooling": "This site asked us to slow down a short while ago, so it was not asked.",
    "crowded": "Too many searches wait for this site just now, so it was not asked.",
    "too_slow": "This site took too long.",
    "no_answer": "This site did not answer as it should.",
    "refused": "This site refuses to answer us.",
    "not_here": "This site has no postings for this country.",
    "not_installed": "This server cannot ask this site.",
    "no_time": "There was no time left for this site.",
    "not_a_feed": "There is no feed of postings at this address.",
    "feed_too_large": "The feed at this address is too large.",
    "file_unreadable": "The file of this feed cannot be read.",
}


class BoardError(TextbackError):
    """A site did not answer; the search goes on with the others.

    Attributes:
        status: how the search tells of it.
        permanent: True when asking again in this search cannot help.
        found: what it gave before that.
    """

    def __init__(
        self,
        status: Trouble,
        message: str,
        *,
        permanent: bool = False,
        found: Sequence[KeptPosting] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.permanent = permanent
        self.found = found


@dataclass(frozen=True, slots=True)
class Question:
    """What a site is asked.

    Attributes:
        location: a place as people write it; empty for anywhere.
        distance_km: how far from there, where a site knows distances.
        job_type: of models.posting.JOB_TYPES.
        hours_old: how long ago it was posted, at most.
        results_wanted: how many postings, at most; 1 to 100.
        country: ISO 3166 alpha-2.
    """

    job_title: str
    location: str
    distance_km: int | None
    is_remote: bool
    job_type: str | None
    hours_old: int | None
    results_wanted: int
    country: str | None


class Attempt(Protocol):
    """The part of a job's context that a site needs."""

    def raise_if_stopped(self) -> None:
        """Raise when the search should end; let it pass."""
        ...

    def fetch(self, url: str, *, max_bytes: int = ..., accept: str = ...) -> Fetched:
        """Get a public address."""
        ...


class JobBoard(Protocol):
    """One site, or one feed.

    Attributes:
        site: the name its postings are kept under. One that begins with `feed:` is a person's own
            feed: what it tells is shown to those who ask it alone.
        label: what people call it.
        stage: what is being done while it is asked, in words.
    """

    site: str
    label: str
    stage: str

    def search(self, question: Question, attempt: Attempt) -> list[KeptPosting]:
        """Ask, keep what comes, and return it: what fits best first, each posting once.

        Raises:
            BoardError: it did not answer.
        """
        ...
