"""What came of a saved search: its slots and the runs asked for by hand, newest first, by pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobSource, Occurrence, User
from models.occurrence import occurrences_page
from models.saved_search import SavedSearch
from webapp.pages.saved_texts import is_told, texts_of
from webapp.pages.saved_times import local_words
from webapp.pages.saved_words import late_words, run_words
from webapp.pages.slot_words import skip_word

A_PAGE = 20
LATE = timedelta(minutes=1)
_MOST_BEFORE = 2**62


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of it begins.

    Attributes:
        before: only slots written before the one with this id.
        run: only runs asked for by hand before this one.
    """

    before: int | None = None
    run: UUID | None = None

    @classmethod
    def of_request(cls) -> Place:
        """Return what the address of this page says."""
        before = request.args.get("before", type=int)
        if before is not None and not 0 < before < _MOST_BEFORE:
            before = None
        return cls(before, request.args.get("run", type=UUID))

    @property
    def is_first(self) -> bool:
        """Whether nothing is newer."""
        return self.before is None and self.run is None


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a saved search, as a link shows it, and when it began by its person's clock."""

    job: Job
    words: str
    began: str


@dataclass(frozen=True, slots=True)
class Past:
    """One page.

    Attributes:
        rows: what each was: its moment, and that in words; its run, or why none; how late it was;
            whether it was asked for by hand.
        older: where the next page begins; None at the end.
    """

    rows: list[dict[str, Any]]
    older: Place | None

    def shows(self, run: Run | None) -> bool:
        """Whether a run is on this page."""
        return run is not None and any(
            row["run"] is not None and row["run"].job.id == run.job.id for row in self.rows
        )


def past_of(session: Session, user: User, search: SavedSearch, place: Place) -> Past:
    """Return a page of what came of a search, in a transaction of its person."""
    slots: list[Occurrence | Job] = [
        *occurrences_page(session, search.id, limit=A_PAGE + 1, before=place.before)
    ]
    both = list(merge(slots, _runs_by_hand(session, search, place.run), key=_when, reverse=True))
    shown = both[:A_PAGE]
    older = None
    if len(both) > A_PAGE:
        older = Place(
            next((one.id for one in reversed(shown) if isinstance(one, Occurrence)), place.before),
            next((one.id for one in reversed(shown) if isinstance(one, Job)), place.run),
        )
    return Past(_rows(session, user, search, shown), older)


def run_of(job: Job, search: SavedSearch, user: User, *, told: bool) -> Run:
    """Return a run as pages show it; `told` is whether what is new goes out as a text."""
    began = local_words(job.created_at, user.time_zone, datetime.now(UTC))
    return Run(job, run_words(job, search, is_told=told), began)


def _runs_by_hand(
    session: Session, search: SavedSearch, before: UUID | None
) -> list[Occurrence | Job]:
    statement = (
        select(Job)
        .where(Job.saved_search_id == search.id, Job.source != JobSource.SCHEDULE)
        .order_by(Job.id.desc())
        .limit(A_PAGE + 1)
    )
    if before is not None:
        statement = statement.where(Job.id < before)
    return list(session.scalars(statement))


def _when(one: Occurrence | Job) -> datetime:
    return one.decided_at if isinstance(one, Occurrence) else one.created_at


def _rows(
    session: Session, user: User, search: SavedSearch, shown: Sequence[Occurrence | Job]
) -> list[dict[str, Any]]:
    told, now = is_told(texts_of(session, user), search), datetime.now(UTC)
    ids = [one.job_id for one in shown if isinstance(one, Occurrence) and one.job_id is not None]
    jobs = {job.id: job for job in session.scalars(select(Job).where(Job.id.in_(ids)))}
    rows = []
    for one in shown:
        slot = one if isinstance(one, Occurrence) else None
        job = one if isinstance(one, Job) else jobs.get(one.job_id) if one.job_id else None
        at = one.due_at if isinstance(one, Occurrence) else one.created_at
        rows.append(
            {
                "at": at,
                "words": local_words(at, user.time_zone, now),
                "run": run_of(job, search, user, told=told) if job else None,
                "skipped": skip_word(slot.skipped) if slot else "",
                "late": late_words(slot.late)
                if slot and slot.late > LATE and not slot.skipped
                else "",
                "is_by_hand": slot is None,
            }
        )
    return rows
