"""The boards that python-jobspy knows, one at a time.

Most of these boards do not allow programs to read their pages: whether that matters is for whoever
runs the service to decide, so none of them is asked unless POSTING_SITES names it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from models.posting import NewPosting
from models.posting_places import asked_place, country_code, is_remote_place, korean_place
from models.posting_sites import SITES
from models.posting_store import keep_postings
from tasks.providers.job_board.base import MESSAGES, BoardError
from tasks.providers.job_board.cleaning import (
    MOST_TITLE,
    is_missing,
    job_type,
    line,
    salary,
    web_address,
)
from tasks.providers.job_board.plain_text import plain_text

if TYPE_CHECKING:
    import pandas as pd

    from models import Database
    from models.posting import KeptPosting
    from tasks.providers.job_board.base import Attempt, Question
    from tasks.providers.job_board.pace import Pace

log = logging.getLogger(__name__)

# Of one site, pages and pauses of the library included. It limits single requests alone, to 15 s.
MOST_SECONDS = 120.0
LOOK_SECONDS = 0.25
KM_PER_MILE = 1.609344
ELSEWHERE = "US"  # what boards are asked about where nobody says which country
_TYPES = {
    "full_time": "fulltime",
    "part_time": "parttime",
    "contract": "contract",
    "internship": "internship",
}
_THROTTLED = re.compile(r"\b429\b|rate.?limit|too many requests", re.IGNORECASE)
_REFUSED = re.compile(r"\b(401|403)\b|blocked", re.IGNORECASE)
_NOT_HERE = "isn't supported, skipping it"
_COLUMNS = (
    "title", "company", "location", "job_url", "is_remote", "job_type", "interval", "min_amount",
    "max_amount", "currency", "date_posted", "description",
)  # fmt: skip


class JobspyBoard:
    """Asks one board by the library's own code, and reads what became of it.

    The library does not raise where a board fails: it says so beside what it found.
    """

    def __init__(
        self,
        database: Database,
        pace: Pace,
        site: str,
        proxies: tuple[str, ...],
        *,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        """Prepare to ask a board.

        Args:
            database: where postings are kept.
            pace: turns at asking it.
            site: its name, the library's and ours.
            proxies: addresses to ask through, in turn; empty to ask directly.
            most_seconds: how long it may take.
        """
        self.site = site
        self.label = SITES[site]
        self.stage = f"Searching {self.label}"
        self._database = database
        self._pace = pace
        self._proxies = proxies
        self._most_seconds = most_seconds

    def search(self, question: Question, attempt: Attempt) -> list[KeptPosting]:
        """Return what the board gives, in its own order."""
        arguments = _arguments(question)
        self._pace.wait_for_turn(self.site, attempt.raise_if_stopped)
        found = self._ask(arguments, attempt)
        told = [posting for row in _rows(found) if (posting := _posting(row))]
        if question.is_remote:
            told = [posting for posting in told if posting.is_remote]
        with self._database.worker() as session:
            kept = keep_postings(session, self.site, told)
        self._raise_if_failed(found, kept)
        return kept

    def _ask(self, arguments: dict[str, Any], attempt: Attempt) -> pd.DataFrame:
        """Run the library beside us, so that a wish to stop is heard and an endless one is left."""
        ended = threading.Event()
        answers: list[pd.DataFrame] = []

        def ask() -> None:
            try:
                answers.append(
                    _scrape_jobs(
                        site_name=self.site, proxies=list(self._proxies) or None, **arguments
                    )
                )
            except Exception as error:  # noqa: BLE001 - whatever a page of strangers may provoke
                # Not its words: they may repeat what was asked.
                log.warning("board broke site=%s error=%s", self.site, type(error).__name__)
            finally:
                ended.set()

        threading.Thread(target=ask, name=f"ask {self.site}", daemon=True).start()
        waits = max(1, round(self._most_seconds / LOOK_SECONDS))
        for _ in range(waits):
            if ended.wait(LOOK_SECONDS):
                break
            attempt.raise_if_stopped()
        else:
            raise BoardError("failed", MESSAGES["too_slow"])
        if not answers:
            raise BoardError("failed", MESSAGES["no_answer"])
        return answers[0]

    def _raise_if_failed(self, found: pd.DataFrame, kept: list[KeptPosting]) -> None:
        """Raise what the library says of the board, with what it gave before that."""
        error = str(found.attrs.get("errors", {}).get(self.site, ""))
        warnings = found.attrs.get("warnings", {}).get(self.site, ())
        if _THROTTLED.search(error):
            self._pace.let_rest(self.site)
            raise BoardError("throttled", MESSAGES["throttled"], found=kept)
        if _REFUSED.search(error):
            raise BoardError("failed", MESSAGES["refused"], found=kept)
        if error:
            raise BoardError("failed", MESSAGES["no_answer"], found=kept)
        if any(_NOT_HERE in str(warning) for warning in warnings):
            raise BoardError("unavailable", MESSAGES["not_here"], permanent=True)


def _scrape_jobs(**arguments: Any) -> pd.DataFrame:
    # Its log lines repeat what people search for.
    logging.getLogger("jobspy").setLevel(logging.CRITICAL + 1)
    from jobspy import scrape_jobs

    return scrape_jobs(verbose=None, description_format="html", **arguments)


def _arguments(question: Question) -> dict[str, Any]:
    try:
        from jobspy.indeed.constant import country_codes
    except ImportError as error:  # another process than this one checked the setting
        raise BoardError("unavailable", MESSAGES["not_installed"], permanent=True) from error
    _, told = asked_place(question.location)
    code = question.country or told or korean_place(question.location) or ELSEWHERE
    countries = {country_codes[country]: country for country in country_codes}
    if code not in countries:
        raise BoardError("unavailable", MESSAGES["not_here"], permanent=True)
    distance = question.distance_km
    return {
        "search_term": question.job_title,
        "location": question.location or None,
        "distance": None if distance is None else max(1, round(distance / KM_PER_MILE)),
        "is_remote": question.is_remote,
        "job_type": _TYPES.get(question.job_type or ""),
        "hours_old": question.hours_old,
        "results_wanted": question.results_wanted,
        "country_indeed": countries[code].value,
    }


def _rows(found: pd.DataFrame) -> list[dict[str, Any]]:
    return found[list(_COLUMNS)].to_dict("records")


def _posting(row: Mapping[str, Any]) -> NewPosting | None:
    """Return a row of the library as a posting, or None for one without a title."""
    title = line(row["title"], MOST_TITLE)
    if title is None:
        return None
    location = line(row["location"])
    country = country_code(location.rpartition(",")[2]) if location else None
    says_remote = row["is_remote"]
    is_remote = None if is_missing(says_remote) else bool(says_remote)
    posted_on = row["date_posted"]
    return NewPosting(
        title=title,
        company=line(row["company"]),
        location=location,
        country=country,
        url=web_address(row["job_url"]),
        is_remote=is_remote or is_remote_place(f"{title} {location or ''}") or is_remote,
        job_type=job_type(row["job_type"]),
        salary=salary(row["min_amount"], row["max_amount"], row["currency"], row["interval"]),
        posted_on=None if is_missing(posted_on) or not isinstance(posted_on, date) else posted_on,
        description=plain_text(row["description"]),
    )
