"""RSS and Atom, by feedparser."""

from __future__ import annotations

import calendar
import io
import re
from datetime import UTC, datetime
from typing import Any

from models.posting import NewPosting
from models.posting_places import is_remote_place
from tasks.providers.job_board.cleaning import (
    MOST_NAME,
    MOST_TITLE,
    job_type,
    line,
    web_address,
)
from tasks.providers.job_board.feed_item import FeedItem, NotAFeedError
from tasks.providers.job_board.plain_text import plain_line, plain_text

# RSS has no elements for these; boards add their own, with and without a prefix.
_COMPANY = ("company", "job_company", "job_listing_company", "companyname", "company_name",
            "employer")  # fmt: skip
_LOCATION = ("location", "job_location", "job_listing_location", "region", "city")
_JOB_TYPE = ("job_type", "jobtype", "type", "job_listing_job_type", "employment_type")
_AT = re.compile(r"(?P<title>.+?) (?:at|@) (?P<company>[^()]+?)(?: \((?P<place>[^()]+)\))?$")


def read_xml_feed(body: bytes, *, media_type: str = "", url: str = "") -> list[FeedItem]:
    """Return the postings of an RSS or Atom feed.

    Raises:
        NotAFeedError: it is neither.
    """
    import feedparser

    headers = {"content-location": url, "content-type": media_type or "application/xml"}
    # A file object: given bytes it would first look for a file of that name.
    try:
        feed = feedparser.parse(io.BytesIO(body), response_headers=headers)
    except Exception as error:  # broken markup makes its parsers raise all sorts of errors
        raise NotAFeedError from error
    if not feed.get("version") and not feed.entries:
        raise NotAFeedError
    return [item for entry in feed.entries if (item := _item(entry))]


def _item(entry: Any) -> FeedItem | None:
    title = plain_line(entry.get("title"), MOST_TITLE)
    if title is None:
        return None
    company = _told(entry, _COMPANY) or _author(entry)
    location = _told(entry, _LOCATION)
    # "Developer at Acme (Berlin)".
    if company is None and (match := _AT.match(title)):
        title, company = match["title"], match["company"]
        location = location or match["place"]
    posted_at = _posted_at(entry)
    content = entry.get("content") or [{}]
    posting = NewPosting(
        title=title,
        company=company,
        location=location,
        url=web_address(entry.get("link")),
        is_remote=is_remote_place(f"{title} {location or ''}") or None,
        job_type=job_type(_told(entry, _JOB_TYPE)),
        posted_on=posted_at and posted_at.date(),
        description=plain_text(content[0].get("value") or entry.get("summary")),
    )
    return FeedItem(posting, posted_at)


def _told(entry: Any, names: tuple[str, ...]) -> str | None:
    for name in names:
        value = entry.get(name)
        if isinstance(value, str) and (text := plain_line(value, MOST_NAME)):
            return text
    return None


def _author(entry: Any) -> str | None:
    """Return who wrote the entry, which on boards is who offers the job; never a mail address."""
    author = line(entry.get("author_detail", {}).get("name") or entry.get("author"))
    return None if author is None or "@" in author else author


def _posted_at(entry: Any) -> datetime | None:
    told = [entry[name] for name in ("published_parsed", "updated_parsed") if name in entry]
    parsed = next(filter(None, told), None)
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None
