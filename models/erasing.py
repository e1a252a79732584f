"""Erasing a person: nothing of them stays but the fact that there was an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from models.account import ApiToken, BrowserSession, User
from models.errors import TextbackError
from models.queries import query
from models.saved_search import SavedSearch
from models.verification_code import VerificationCode

# Each statement stays short, whatever an account holds: chunks are 1 MiB, answers up to 5 MB.
_CHUNKS_AT_ONCE = 32
_JOBS_AT_ONCE = 100


class NoSuchAccountError(TextbackError):
    """There is no such account, or it was erased already."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What went."""

    jobs: int
    uploads: int
    texts: int


def erase(session: Session, account_id: UUID) -> Erased:
    """Remove everything of a person, in the transaction of `session`: all of it, or nothing.

    1. The account's row is locked, so whatever would add to it waits and is then refused.
    2. The provider's ids of its texts are noted, without their person: it is asked to delete them.
    3. Its jobs go, those that run too: their workers find no row to write to, and stop.
    4. The row stays as a tombstone that holds its id and two times. A number that wants no texts
       stays known as such, by its keyed hash.

    Args:
        session: one opened by `Database.operator`.
        account_id: whose.

    Raises:
        NoSuchAccountError: nobody has this id, or had it.
    """
    # Whoever settles a code locks it before the account, so the same order here.
    session.execute(
        select(VerificationCode.id).where(VerificationCode.owner_id == account_id).with_for_update()
    )
    user = session.scalar(
        select(User).where(User.id == account_id, User.erased_at.is_(None)).with_for_update()
    )
    if user is None:
        raise NoSuchAccountError(f"There is no account {account_id}, or it was erased already.")
    texts = _run(session, "forget_texts", account_id).rowcount
    _all(session, "erase_chunks", account_id, at_once=_CHUNKS_AT_ONCE)
    uploads = _run(session, "erase_uploads", account_id).rowcount
    # Saved searches before the jobs that point at them, as whoever deletes one locks them.
    session.execute(
        delete(SavedSearch)
        .where(SavedSearch.owner_id == account_id)
        .execution_options(synchronize_session=False)
    )
    jobs = _all(session, "erase_jobs", account_id, at_once=_JOBS_AT_ONCE)
    for model in (VerificationCode, BrowserSession, ApiToken):
        session.execute(
            delete(model)
            .where(model.owner_id == account_id)
            .execution_options(synchronize_session=False)
        )
    session.execute(
        update(User)
        .where(User.id == account_id)
        .values(
            role="person",
            locale="en",
            time_zone="UTC",
            phone_ciphertext=None,
            phone_hash=None,
            phone_last_digits=None,
            phone_country=None,
            phone_verified_at=None,
            last_seen_at=func.clock_timestamp(),
            erased_at=func.clock_timestamp(),
        )
        .execution_options(synchronize_session=False)
    )
    return Erased(jobs=jobs, uploads=uploads, texts=texts)


def _all(session: Session, name: str, account_id: UUID, *, at_once: int) -> int:
    """Repeat a statement until nothing is left for it; return how many rows that were."""
    total = 0
    while count := _run(session, name, account_id, at_once=at_once).rowcount:
        total += count
    return total


def _run(session: Session, name: str, account_id: UUID, **more: Any) -> CursorResult[Any]:
    result = session.execute(query(name), {"account_id": account_id, **more})
    assert isinstance(result, CursorResult)  # noqa: S101 - of a statement in SQL
    return result
