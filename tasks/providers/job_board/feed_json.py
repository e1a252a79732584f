"""JSON Feed."""

from __future__ import annotations

from typing import Any

from models.posting import NewPosting
from models.posting_places import is_remote_place
from tasks.providers.job_board.cleaning import MOST_TITLE, line, paragraphs, web_address
from tasks.providers.job_board.feed_item import FeedItem, moment
from tasks.providers.job_board.plain_text import plain_text


def is_json_feed(document: Any) -> bool:
    """Tell whether a JSON document is a feed."""
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return False
    return str(document.get("version", "")).startswith(("https://jsonfeed.org/", "http://jsonfeed"))


def read_json_feed(document: dict[str, Any]) -> list[FeedItem]:
    """Return the postings of a JSON Feed: the author of an item is who offers the job.

    Source:
        jsonfeed.org, version 1.1.
    """
    found = []
    for item in document["items"]:
        title = line(item.get("title"), MOST_TITLE) if isinstance(item, dict) else None
        if title is None:
            continue
        described = plain_text(item.get("content_html")) or paragraphs(item.get("content_text"))
        posted_at = moment(item.get("date_published") or item.get("date_modified"))
        posting = NewPosting(
            title=title,
            company=_author(item) or _author(document),
            url=web_address(item.get("external_url")) or web_address(item.get("url")),
            is_remote=is_remote_place(title) or None,
            posted_on=posted_at and posted_at.date(),
            description=described or paragraphs(item.get("summary")),
        )
        found.append(FeedItem(posting, posted_at))
    return found


def _author(holder: dict[str, Any]) -> str | None:
    authors = holder.get("authors") or [holder.get("author")]
    first = authors[0] if isinstance(authors, list) and authors else None
    return line(first.get("name")) if isinstance(first, dict) else None
