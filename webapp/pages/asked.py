"""What a search asked for, in the few words a list or a heading has room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, ProductCategory
from webapp.pages.choosing import IMAGE_SEARCH, POSTING_SEARCH
from webapp.pages.posting_asked import posting_asked
from webapp.pages.words import in_language


def asked_of(session: Session, jobs: Iterable[Job]) -> dict[UUID, list[str]]:
    """Return by job what it keeps to, in the reader's language; one query for all.

    Categories of a search by photo; all that was chosen in one for postings. Another
    package's kind may mean anything by a param of the same name, so it has none.
    """
    keys: dict[UUID, list[str]] = {}
    asked: dict[UUID, list[str]] = {}
    for job in jobs:
        if job.kind == IMAGE_SEARCH:
            keys[job.id] = _categories(job.params)
        elif job.kind == POSTING_SEARCH:
            asked[job.id] = posting_asked(job.params)
    wanted = {key for own in keys.values() for key in own}
    if wanted:
        rows = session.scalars(select(ProductCategory).where(ProductCategory.key.in_(wanted)))
        labels = {row.key: in_language(row, "label") for row in rows}
        for job_id, own in keys.items():
            asked[job_id] = [labels[key] for key in own if key in labels]
    return asked


def _categories(params: Mapping[str, Any]) -> list[str]:
    keys = params.get("categories")
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
