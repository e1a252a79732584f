"""Everything about a person as JSON, in pieces: an account of any size costs no memory.

Each piece is read in a transaction of its own, so that a slow reader holds none open. What is
written meanwhile may or may not be in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from models.account import ApiToken, BrowserSession, User
from models.base import Base
from models.job import Job
from models.job_event import JobEvent
from models.notification import Notification
from models.occurrence import Occurrence
from models.phone import PhoneKeys
from models.result_link import ResultLink
from models.saved_search import SavedSearch
from models.session import Database
from models.settings import Settings
from models.sighting import Sighting
from models.suppression import Suppression
from models.upload import Upload
from models.verification_code import VerificationCode

_AT_ONCE = 200
# Secrets (as hashes), what only decides inside, and whose it is: that is the same everywhere.
_LEFT_OUT = frozenset(
    {
        "owner_id",
        "job_id",
        "secret_hash",
        "token_hash",
        "callback_hash",
        "phone_hash",
        "phone_ciphertext",
        "request_hash",
        "question_hash",
        "fence",
        "lease_until",
        "holder",
        "worker",
        "guarded_at",
        "dispatched_at",
        "hinted_at",
        "checkpoint",
        "planned_until",
        "settled_at",
    }
)


def export(database: Database, settings: Settings, account_id: UUID) -> Iterator[str]:
    """Yield one JSON document in pieces; an account that is not there has none of its parts.

    Args:
        database: each step is a transaction of this person.
        settings: holds the phone keys; their own number is in it in clear.
        account_id: whose.
    """
    with database.owner(account_id) as session:
        account = _account(session, settings, account_id)
    yield '{\n"account": ' + _json(account)
    for name, rows in (
        ("sessions", _rows(database, account_id, BrowserSession)),
        ("tokens", _rows(database, account_id, ApiToken)),
        ("codes", _rows(database, account_id, VerificationCode)),
        ("uploads", _rows(database, account_id, Upload)),
        ("jobs", _jobs(database, account_id)),
        ("saved_searches", _saved_searches(database, account_id)),
    ):
        yield f',\n"{name}": ['
        yield from _separated(rows)
        yield "]"
    yield "\n}\n"


def _account(session: Session, settings: Settings, account_id: UUID) -> dict[str, Any] | None:
    user = session.get(User, account_id)
    if user is None:
        return None
    stop = session.get(Suppression, user.phone_hash) if user.phone_hash else None
    return _shown(user) | {
        "phone": user.phone(PhoneKeys(settings)),
        "texts_stopped": None
        if stop is None
        else {"since": stop.created_at.isoformat(), "by": stop.reason},
    }


def _rows(database: Database, account_id: UUID, model: type[Any]) -> Iterator[dict[str, Any]]:
    last = UUID(int=0)
    while True:
        statement = select(model).where(model.id > last).order_by(model.id).limit(_AT_ONCE)
        with database.owner(account_id) as session:
            rows = list(session.scalars(statement))
        if not rows:
            return
        yield from map(_shown, rows)
        last = rows[-1].id


def _jobs(database: Database, account_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield jobs one by one: an answer is up to 5 MB."""
    for row in _rows(database, account_id, Job):
        with database.owner(account_id) as session:
            job = _job(session, row["id"])
        if job is not None:
            yield job


def _saved_searches(database: Database, account_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield saved searches with what came of their slots and what they have seen."""
    for row in _rows(database, account_id, SavedSearch):
        shown = dict(row)
        with database.owner(account_id) as session:
            for name, model, order in (
                ("occurrences", Occurrence, Occurrence.id),
                ("seen", Sighting, Sighting.key),
            ):
                rows = session.scalars(
                    select(model).where(model.saved_search_id == row["id"]).order_by(order)
                )
                shown[name] = [_shown(one) for one in rows]
        yield shown


def _job(session: Session, job_id: UUID) -> dict[str, Any] | None:
    job = session.scalar(select(Job).where(Job.id == job_id).options(undefer(Job.result)))
    if job is None:
        return None
    shown = _shown(job)
    for name, model in (("events", JobEvent), ("texts", Notification), ("links", ResultLink)):
        rows = session.scalars(select(model).where(model.job_id == job_id).order_by(model.id))
        shown[name] = [_shown(row) for row in rows]
    return shown


def _shown(row: Base) -> dict[str, Any]:
    """Return a row's loaded columns that mean something to its person."""
    loaded = vars(row)
    return {
        column.key: loaded[column.key]
        for column in row.__table__.columns
        if column.key not in _LEFT_OUT and column.key in loaded
    }


def _separated(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    separator = "\n"
    for row in rows:
        yield separator + _json(row)
        separator = ",\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
