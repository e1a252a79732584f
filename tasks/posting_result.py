"""The answer of a search for postings: what was found, and what became of each site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models.posting import KeptPosting, Salary
from models.posting_sites import SAMPLE

# Of the whole answer, as JSON: a page shows it at once.
MOST_BYTES = 950_000
MOST_DESCRIPTION = 1500  # characters

Status = Literal["ok", "failed", "throttled", "unavailable", "skipped"]


class Pay(BaseModel):
    """What is paid for an interval, and what that is in a year of full-time work."""

    min: float | None
    max: float | None
    currency: str | None = Field(description="ISO 4217; null where the site does not say.")
    interval: Literal["hour", "day", "week", "month", "year"]
    yearly_min: float | None
    yearly_max: float | None


class PostingSite(BaseModel):
    """That a site has the posting, and where."""

    site: str
    label: str
    url: str | None


class FoundPosting(BaseModel):
    """One posting, wherever it was found; its id stays the same from search to search."""

    id: UUID
    title: str
    company: str | None
    location: str | None
    country: str | None = Field(description="ISO 3166 alpha-2.")
    url: str | None
    sites: list[PostingSite]
    is_remote: bool | None
    job_type: Literal["full_time", "part_time", "contract", "internship"] | None
    salary: Pay | None
    posted_on: date | None
    first_seen_at: datetime
    description: str = Field(description="Plain text, cut where it is long.")


class SiteOutcome(BaseModel):
    """What became of asking a site; a feed is a site of its own."""

    site: str
    label: str
    status: Status
    count: int = Field(description="How many postings it gave that fit.")
    message: str | None = Field(description="Why it gave none, or not all, as a sentence.")


class Source(BaseModel):
    """Where the postings come from, in words for people."""

    name: str
    note: str


class Result(BaseModel):
    """The postings found, what fits best first, whatever site it is on."""

    postings: list[FoundPosting]
    sites: list[SiteOutcome]
    source: Source
    known: bool = Field(
        False, description="Whether all of this was found by earlier searches, none of it anew."
    )
    like_place: str | None = Field(
        None,
        description="Where nothing was found: a place of nearly the name that was asked for, where "
        "something is.",
    )


def found_posting(kept: KeptPosting, labels: Mapping[str, str]) -> FoundPosting:
    """Return a kept posting as an answer shows it."""
    told = kept.told
    return FoundPosting(
        id=kept.id,
        title=told.title,
        company=told.company,
        location=told.location,
        country=told.country,
        url=told.url,
        sites=[
            PostingSite(site=site, label=labels.get(site, site), url=url)
            for site, url in kept.addresses
        ],
        is_remote=told.is_remote,
        job_type=told.job_type,
        salary=told.salary and _pay(told.salary),
        posted_on=told.posted_on,
        first_seen_at=kept.first_seen_at,
        description=_cut(told.description, MOST_DESCRIPTION),
    )


def result_of(
    postings: Iterable[FoundPosting],
    outcomes: Sequence[SiteOutcome],
    *,
    known: bool = False,
    like_place: str | None = None,
) -> Result:
    """Return the answer, made to fit: descriptions give way first, then the last postings."""
    fitting = _fitted(list(postings))
    return Result(
        postings=fitting,
        sites=list(outcomes),
        source=_source(fitting, outcomes),
        known=known,
        like_place=like_place,
    )


def _fitted(postings: list[FoundPosting]) -> list[FoundPosting]:
    sizes = [len(posting.model_dump_json().encode()) for posting in postings]
    if sum(sizes) <= MOST_BYTES:
        return postings
    bare = [posting.model_copy(update={"description": ""}) for posting in postings]
    kept, used = [], 0
    for posting in bare:
        used += len(posting.model_dump_json().encode())
        if used > MOST_BYTES:
            break
        kept.append(posting)
    # A character takes up to six bytes of JSON.
    room = max(0, MOST_BYTES - used) // max(1, len(kept)) // 6
    if room < 2:
        return kept
    return [
        posting.model_copy(update={"description": _cut(whole.description, room)})
        for posting, whole in zip(kept, postings, strict=False)
    ]


def _source(postings: list[FoundPosting], outcomes: Sequence[SiteOutcome]) -> Source:
    """Say so when what is shown is made up, or when nothing but samples was looked through."""
    samples = [any(one.site == SAMPLE for one in posting.sites) for posting in postings]
    if not postings:
        answered = [outcome.site == SAMPLE for outcome in outcomes if outcome.status == "ok"]
        samples = answered if all(answered) else []
    name = "Sample postings" if samples and all(samples) else "Job sites"
    note = "Sample data: made-up postings, no real jobs" if any(samples) else ""
    return Source(name=name, note=note)


def _pay(salary: Salary) -> Pay:
    return Pay(
        min=_number(salary.minimum),
        max=_number(salary.maximum),
        currency=salary.currency,
        interval=salary.interval,
        yearly_min=_number(salary.yearly_minimum),
        yearly_max=_number(salary.yearly_maximum),
    )


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
