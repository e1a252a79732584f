"""One entry of a feed, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from typing import Any

from models.posting import NewPosting


class NotAFeedError(Exception):
    """What is there holds no feed in any format that is known."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A posting, and when it was posted: to the second where the feed says so."""

    posting: NewPosting
    posted_at: datetime | None


def moment(value: Any) -> datetime | None:
    """Return a date or time as feeds write it, or None; without a zone it is taken as UTC.

    A date alone is its last moment, so that it counts as fresh for the whole day.
    """
    text = str(value).strip() if value else ""
    try:
        if len(text) == len("2026-11-26"):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:  # the year 1 or 9999, moved to another zone
        return None
