"""schema.org's JobPosting in JSON-LD, as a document or in the pages that search engines read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from models.posting import NewPosting, Salary
from models.posting_places import country_code, is_remote_place
from tasks.providers.job_board.cleaning import MOST_TITLE, job_type, line, salary, web_address
from tasks.providers.job_board.feed_item import FeedItem, NotAFeedError, moment
from tasks.providers.job_board.plain_text import plain_text

MOST_NODES = 50_000
_SCRIPT = re.compile(r"<script\b[^<>]{0,1000}>", re.IGNORECASE)
_END = re.compile(r"</script", re.IGNORECASE)

Node = dict[str, Any]


def read_json_ld(documents: Iterable[Any]) -> list[FeedItem]:
    """Return the postings of JSON-LD documents, but for those that have ended.

    Source:
        schema.org/JobPosting, with the properties that search engines ask for.

    Raises:
        NotAFeedError: no document holds anything of schema.org.
    """
    nodes = list(_nodes(documents))
    if not any("@type" in node for node in nodes):
        raise NotAFeedError
    named = {node["@id"]: node for node in nodes if len(node) > 1 and _is_text(node.get("@id"))}
    now = datetime.now(UTC)
    found = []
    for node in nodes:
        if _is_posting(node):
            ends_at = moment(_first(node.get("validThrough")))
            item = _item(node, named)
            if item is not None and (ends_at is None or ends_at > now):
                found.append(item)
    return found


def documents_in_page(body: bytes) -> list[Any]:
    """Return every JSON-LD document of an HTML page; one that is broken is left out."""
    documents = []
    for script in _scripts(body.decode("utf-8", "replace")):
        try:
            documents.append(json.loads(script))
        except (ValueError, RecursionError):
            continue
    return documents


def _scripts(page: str) -> Iterator[str]:
    """Yield what stands in each script of type application/ld+json.

    By hand: pages of strangers make the parser of the standard library raise.
    """
    position = 0
    while opening := _SCRIPT.search(page, position):
        closing = _END.search(page, opening.end())
        if closing is None:
            return
        if "application/ld+json" in opening[0].lower():
            yield page[opening.end() : closing.start()]
        position = closing.end()


def _nodes(documents: Iterable[Any]) -> Iterator[Node]:
    """Yield every object of the documents, in their order, and of no more than MOST_NODES values.

    Lists of postings stand in @graph, in itemListElement, or deeper.
    """
    waiting = list(documents)[::-1]
    for _ in range(MOST_NODES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _is_posting(node: Node) -> bool:
    types = node.get("@type")
    names = types if isinstance(types, list) else [types]
    return any(str(name).rpartition("/")[2].rpartition(":")[2] == "JobPosting" for name in names)


def _item(node: Node, named: dict[str, Node]) -> FeedItem | None:
    title = line(_first(node.get("title")) or _first(node.get("name")), MOST_TITLE)
    if title is None:
        return None
    location, country = _place(node, named)
    posted_at = moment(_first(node.get("datePosted")))
    is_remote = "TELECOMMUTE" in str(node.get("jobLocationType")).upper()
    posting = NewPosting(
        title=title,
        company=line(_name(node.get("hiringOrganization"), named)),
        location=location,
        country=country,
        url=web_address(_first(node.get("url"))) or web_address(node.get("@id")),
        is_remote=is_remote or is_remote_place(f"{title} {location or ''}") or None,
        job_type=job_type(node.get("employmentType")),
        salary=_salary(_first(node.get("baseSalary"))),
        posted_on=posted_at and posted_at.date(),
        description=plain_text(_first(node.get("description"))),
    )
    return FeedItem(posting, posted_at)


def _place(node: Node, named: dict[str, Node]) -> tuple[str | None, str | None]:
    """Return the first place of work, from the narrow to the wide, and its country's code."""
    place = _resolved(_first(node.get("jobLocation")), named)
    if not isinstance(place, dict):
        return line(place), None
    address = _resolved(_first(place.get("address")), named)
    if not isinstance(address, dict):
        return line(address) or line(place.get("name")), None
    parts = [line(_first(address.get(name))) for name in ("addressLocality", "addressRegion")]
    country = line(_name(address.get("addressCountry"), named))
    location = ", ".join(dict.fromkeys(part for part in parts if part)) or country
    return location, country_code(country) if country else None


def _salary(value: Any) -> Salary | None:
    if not isinstance(value, dict):
        return None
    amount = _first(value.get("value"))
    told = value | amount if isinstance(amount, dict) else value
    exact = told.get("value")
    return salary(
        told.get("minValue", exact),
        told.get("maxValue", exact),
        value.get("currency") or told.get("currency"),
        told.get("unitText"),
    )


def _name(value: Any, named: dict[str, Node]) -> Any:
    one = _resolved(_first(value), named)
    return _first(one.get("name")) if isinstance(one, dict) else one


def _resolved(value: Any, named: dict[str, Node]) -> Any:
    """Return what an object that is but a reference, `{"@id": …}`, stands for."""
    if isinstance(value, dict) and len(value) == 1 and _is_text(value.get("@id")):
        return named.get(value["@id"], value)
    return value


def _first(value: Any) -> Any:
    """Return a value, the first of several, or the text of one that names its language."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict) and "@value" in value:
        return value["@value"]
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
