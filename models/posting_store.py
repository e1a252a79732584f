"""Keeping postings and finding those that are kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.ids import new_id
from models.posting import KeptPosting, NewPosting, Salary
from models.posting_identity import address_hash, identity
from models.posting_places import asked_place, place_words
from models.posting_slips import meant_words, spelt
from models.posting_words import title_words, words
from models.queries import query

# How alike a title and what is asked must be: share of the trigrams of what is asked.
LEAST_LIKENESS = "0.5"
# What no search has come upon for as long has been filled, most likely.
FRESH_DAYS = 14

# The newest ones tell which places there are.
MOST_LOOKED_THROUGH = 20_000

_HURRY = text("select set_config('statement_timeout', '2s', true)")
_LIKENESS = text("select set_config('pg_trgm.word_similarity_threshold', :least, true)")
_COLUMNS = (
    "title", "company", "location", "country", "is_remote", "job_type", "age_hours", "description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostingQuestion:
    """What a person looks for, as far as kept postings can tell.

    Attributes:
        sites: those that may answer; postings of others are not shown.
        location: a place, a country, or both with a comma between; empty for anywhere.
        country: ISO 3166 alpha-2.
        hours_old: how long ago it was posted, at most.
    """

    job_title: str
    sites: Sequence[str]
    location: str = ""
    is_remote: bool = False
    job_type: str | None = None
    hours_old: int | None = None
    country: str | None = None


def keep_postings(session: Session, site: str, told: Iterable[NewPosting]) -> list[KeptPosting]:
    """Keep what a site has told just now, each posting once.

    A posting is known by its address or by company, title and place (`identity`), whichever site
    told of it before. Safe when several workers keep the same ones.

    Returns:
        One of each, in the order given, with its id and when it was first come upon.
    """
    by_key = _keyed(session, site, told)
    if not by_key:
        return []
    given = {"site": site, "postings": json.dumps(list(map(_row, by_key, by_key.values())))}
    for statement in ("add_postings", "see_postings", "add_posting_addresses"):
        session.execute(query(statement), given)
    rows = session.execute(query("postings_by_key"), {"keys": list(by_key)}).all()
    kept = {row.key: row for row in rows}
    return [
        KeptPosting(kept[key].id, posting, ((site, posting.url),), kept[key].first_seen_at)
        for key, posting in by_key.items()
    ]


def find_postings(
    session: Session, question: PostingQuestion, *, limit: int, among: Sequence[UUID] | None = None
) -> list[KeptPosting]:
    """Return kept postings that fit, the nearest first.

    Args:
        session: of any role that may read postings.
        question: what is looked for.
        limit: how many, at most.
        among: ids to keep to; None for all.
    """
    place, country = asked_place(question.location)
    asked = {
        "sites": list(question.sites),
        "ids": None if among is None else list(among),
        "fresh_days": FRESH_DAYS,
        "terms": _query(words(question.job_title)),
        "title": question.job_title,
        "part": f"%{_like(question.job_title)}%",
        "country": question.country or country,
        "is_remote": question.is_remote,
        "job_type": question.job_type,
        "hours_old": question.hours_old,
        "limit": limit,
    }
    session.execute(_LIKENESS, {"least": LEAST_LIKENESS})
    rows = session.execute(
        query("search_postings"), {**asked, "place": _at(place), "has_place": bool(place)}
    )
    return [_kept(row) for row in rows]


def like_place(session: Session, question: PostingQuestion) -> str | None:
    """Return a place of nearly the name that was asked for, where something is found.

    For where nothing was found: whether it is a slip only the person knows. None where a posting
    is at the place asked for, whatever its title, and where no name is like it.

    Raises:
        DBAPIError: there are so many postings that it takes too long.
    """
    place, _ = asked_place(question.location)
    session.execute(_HURRY)
    if not place or session.scalar(query("has_posting_at"), {"place": _at(place)}):
        return None
    within = {"sites": list(question.sites), "fresh_days": FRESH_DAYS, "most": MOST_LOOKED_THROUGH}
    rows = session.execute(query("posting_place_words"), within)
    meant = meant_words(place, {row.word: row.postings for row in rows})
    if meant is None:
        return None
    there = replace(question, location=" ".join(meant))
    found = find_postings(session, there, limit=1)
    return spelt(meant, [found[0].told.location]) if found else None


def _at(place: Sequence[str]) -> str:
    """Return a tsquery: a place that has all of these words."""
    return " & ".join(f"'{word}':*C" for word in place)


def _keyed(session: Session, site: str, told: Iterable[NewPosting]) -> dict[str, NewPosting]:
    """Return each posting once, by the key it has or had at another telling."""
    postings = list(told)
    hashes = [address_hash(posting.url) for posting in postings]
    times = Counter(hashes)  # an address that several share leads to none of them
    found = session.execute(
        query("postings_by_address"),
        {"site": site, "hashes": [one for one, count in times.items() if one and count == 1]},
    )
    known = {row.url_hash: row.key for row in found}
    by_key: dict[str, NewPosting] = {}
    for posting, url_hash in zip(postings, hashes, strict=True):
        key = known.get(url_hash.hex()) if url_hash else None
        by_key.setdefault(key or identity(posting, site), posting)
    return by_key


def _row(key: str, posting: NewPosting) -> dict[str, Any]:
    salary = posting.salary
    url_hash = address_hash(posting.url)
    return {
        "id": str(new_id()),
        "key": key,
        **{name: getattr(posting, name) for name in _COLUMNS},
        "posted_on": posting.posted_on and posting.posted_on.isoformat(),
        "salary_min": salary and _number(salary.minimum),
        "salary_max": salary and _number(salary.maximum),
        "salary_currency": salary and salary.currency,
        "salary_interval": salary and salary.interval,
        "salary_yearly_min": salary and _number(salary.yearly_minimum),
        "salary_yearly_max": salary and _number(salary.yearly_maximum),
        "url": posting.url,
        "url_hash": url_hash and url_hash.hex(),
        "title_words": " ".join(title_words(posting.title)),
        "company_words": " ".join(words(posting.company or "")),
        # Feeds without a field for the place name it in the title.
        "place_words": " ".join(place_words(posting.location or posting.title)),
        "description_words": " ".join(words(posting.description)),
    }


def _query(terms: list[str]) -> str:
    """Return a tsquery: all of the terms, or all of them written as one."""
    each = " & ".join(f"'{term}':*" for term in terms)
    return each if len(terms) < 2 else f"{each} | '{''.join(terms)}':*"


def _number(amount: object) -> str | None:
    return None if amount is None else str(amount)


def _like(part: str) -> str:
    """Return text for `like` in which no sign stands for another."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _kept(row: Any) -> KeptPosting:
    salary = None
    if row.salary_interval is not None:
        salary = Salary(row.salary_min, row.salary_max, row.salary_currency, row.salary_interval)
    addresses = tuple((site, url) for site, url in row.addresses)
    told = NewPosting(
        title=row.title,
        company=row.company,
        location=row.location,
        country=row.country,
        url=next((url for _, url in addresses if url), None),
        is_remote=row.is_remote,
        job_type=row.job_type,
        salary=salary,
        posted_on=row.told_on,
        description=row.description,
    )
    return KeptPosting(row.id, told, addresses, row.first_seen_at)
