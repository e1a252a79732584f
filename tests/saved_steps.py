"""What a browser without scripts does and sees where searches are saved."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from factories import claim_job
from posting_answers import make_answer
from posting_steps import words

from models import Database

OWN = {"when": "own", "time_zone": "Asia/Seoul"}


def next_times(page: str) -> list[str]:
    """Return each of the next times as it is read."""
    listed = re.search(r'<ol class="next-times">(.*?)</ol>', page, re.DOTALL)
    return [] if listed is None else [words(one) for one in listed[1].split("<li>")[1:]]


def keep(person: Any, job: UUID, **fields: Any) -> Any:
    """Send the form of a saved search as it came, but for these fields."""
    return person.press(f"/saved/new?job={job}", "/saved", **fields)


def kept(answer: Any) -> UUID:
    """Return what was saved."""
    assert answer.status_code == 303, words(answer.text)
    return UUID(answer.headers["Location"].removeprefix("/saved/").partition("?")[0])


def typed_in(page: str, field: str) -> str:
    """Return what stands in a field of one line."""
    found = re.search(rf'<input[^>]* id="{field}"[^>]* value="([^"]*)"', page)
    assert found is not None, field
    return found[1]


def end_run(database: Database, job: UUID, *postings: Any, is_whole: bool = True) -> None:
    """End a run as its worker does, with what it has seen: all there was unless told otherwise."""
    claim = claim_job(database, job)
    answer = make_answer(*postings)
    with database.worker() as session:
        claim.succeed(
            session,
            answer.model_dump(mode="json"),
            result_count=len(postings),
            keys=[str(posting.id) for posting in postings],
            is_whole=is_whole,
        )
