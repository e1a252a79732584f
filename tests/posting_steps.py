"""What a browser without scripts does and sees where job postings are searched."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import UUID

FORM = "/search/posting_search"


def ask(person: Any, **fields: Any) -> UUID:
    """Send the form for postings and return the id of the search."""
    answer = person.press(FORM, FORM, **{"job_title": "Baker", **fields})
    assert answer.status_code == 303, answer.text
    return UUID(answer.headers["Location"].rsplit("/", 1)[1].partition("?")[0])


def cards(page: str) -> dict[str, str]:
    """Return the card of each posting that is to be seen, by its title."""
    found = re.findall(
        r'<li class="card posting[^>]*>.*?</li>\s*(?=<li class="card|</ol>)', page, re.DOTALL
    )
    shown = [card for card in found if " hidden" not in card.partition(">")[0]]
    return {unescape(re.search(r"data-words>([^<]*)<", card)[1]): card for card in shown}  # type: ignore[index]


def words(html: str) -> str:
    """Return a part of a page as it is read."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
