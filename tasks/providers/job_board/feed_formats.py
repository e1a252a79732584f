"""Which format a feed is in."""

from __future__ import annotations

import json
from typing import Any

from tasks.providers.job_board.feed_item import FeedItem, NotAFeedError
from tasks.providers.job_board.feed_json import is_json_feed, read_json_feed
from tasks.providers.job_board.feed_json_ld import documents_in_page, read_json_ld
from tasks.providers.job_board.feed_xml import read_xml_feed

MOST_ITEMS = 500


def read_feed(body: bytes, *, media_type: str = "", url: str = "") -> list[FeedItem]:
    """Return the postings of RSS, Atom, JSON Feed, or of schema.org's JobPosting in JSON-LD.

    What it is, is told by what is in it: servers name all sorts of types.

    Args:
        body: the document.
        media_type: what its server called it, for the letters of XML.
        url: where it is, for addresses relative to it.

    Returns:
        The first MOST_ITEMS, in their order; those that have no title are left out.

    Raises:
        NotAFeedError: it is none of these.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        document = _json(body)
        items = read_json_feed(document) if is_json_feed(document) else read_json_ld([document])
    elif b"application/ld+json" in body:
        items = read_json_ld(documents_in_page(body))
    else:
        items = read_xml_feed(body, media_type=media_type, url=url)
    return items[:MOST_ITEMS]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.lstrip(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise NotAFeedError from error
