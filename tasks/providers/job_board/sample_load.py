"""Loads the sample postings, so that a fresh installation has something to find."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from models.posting import NewPosting, Salary
from models.posting_sites import SAMPLE
from models.posting_store import keep_postings
from tasks.sample_postings import FOLDER

if TYPE_CHECKING:
    from models import Database

# One after the other, whoever loads at the same time.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('textback postings load', 0))")

_DROP_OTHERS = text(
    "delete from postings where site = :site and not id = any(cast(:ids as uuid[]))"
)


def load_sample_postings(database: Database) -> int:
    """Make the sample postings in the database be what the file says; again without harm.

    Returns:
        How many there are.
    """
    told = [_posting(row) for row in json.loads((FOLDER / "postings.json").read_text("utf-8"))]
    with database.operator() as session:
        session.execute(_LOCK)
        kept = keep_postings(session, SAMPLE, told)
        session.execute(_DROP_OTHERS, {"site": SAMPLE, "ids": [posting.id for posting in kept]})
    return len(kept)


def _posting(row: dict[str, Any]) -> NewPosting:
    salary = None
    if row["pay"] is not None:
        least, most, currency, interval = row["pay"]
        salary = Salary(Decimal(str(least)), Decimal(str(most)), currency, interval)
    return NewPosting(
        title=row["title"],
        company=row["company"],
        location=row["location"],
        country=row["country"],
        is_remote=row["is_remote"],
        job_type=row["job_type"],
        salary=salary,
        age_hours=row["age_hours"],
        description=row["description"],
    )
