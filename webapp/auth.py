"""Who is asking: a program by its token, a browser by its cookie."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from flask import g, request, session
from sqlalchemy import bindparam, func, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import ApiToken, BrowserSession, User
from models.account import hash_secret
from models.ids import new_id
from webapp.db import database
from webapp.device import device_of
from webapp.errors import ProblemError

# The key in Flask's signed session cookie under which a browser keeps its secret.
SECRET_IN_COOKIE = "secret"  # noqa: S105 - the name of a key
COOKIE_LIFETIME = timedelta(days=365)
_TOUCH_EVERY = timedelta(minutes=1)
_LONGEST_TOKEN = 200
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Textback"'}
_SAFE_METHODS = frozenset({"GET", "HEAD"})
# Made once, and of tables: to make it anew, of classes, takes as long as Postgres takes.
_LIVE = union_all(
    *(
        select(table.c.secret_hash).where(
            table.c.secret_hash.in_(bindparam("credentials", expanding=True)),
            table.c.revoked_at.is_(None),
        )
        for table in (ApiToken.__table__, BrowserSession.__table__)
    )
)


@dataclass(frozen=True, slots=True)
class CurrentPerson:
    """Who is asking, and by which credential.

    Attributes:
        id: the account.
        via: `token` for a program, `cookie` for a browser.
        credential: SHA-256 of the secret, to look again later whether it still holds.
    """

    id: UUID
    via: Literal["token", "cookie"]
    credential: bytes


def current_person() -> CurrentPerson | None:
    """Return who is asking, or None; looked up once a request."""
    if "person" not in g:
        g.person = _identify()
    found: CurrentPerson | None = g.person
    return found


def require_api_person() -> CurrentPerson:
    """Return who calls the API.

    A cookie serves for reading only: what changes something needs a token, so that no other site
    can make a browser do it.

    Raises:
        ProblemError: 401, with what to send.
    """
    person = current_person()
    if person is not None and (person.via == "token" or request.method in _SAFE_METHODS):
        return person
    code = "token_invalid" if _presented_token() is not None else "token_missing"
    headers = dict(_CHALLENGE)
    if code == "token_invalid":
        headers["WWW-Authenticate"] += ', error="invalid_token"'
    raise ProblemError(code, headers=headers)


def prepare_account() -> None:
    """Give a browser nobody knows its secret with the form, so that whatever it sends first, and
    however often, is one person's.
    """
    if current_person() is None:
        session.setdefault(SECRET_IN_COOKIE, new_secret())


def ensure_account(locale: str = "en") -> CurrentPerson:
    """Return who is asking; a browser without an account gets an anonymous one and its cookie."""
    person = current_person()
    if person is not None:
        return person
    secret = session.get(SECRET_IN_COOKIE)
    person = _open_account(secret if isinstance(secret, str) else new_secret(), locale)
    if person is None:
        # Its other tap was quicker, or its secret was taken back.
        g.pop("person")
        person = current_person() or _open_account(new_secret(), locale)
    assert person is not None  # noqa: S101 - nobody else has drawn the same 32 bytes
    g.person = person
    session.permanent = True
    return person


def live_credentials(db: Session, credentials: set[bytes]) -> set[bytes]:
    """Return those that are still this person's; `db` is a transaction of theirs."""
    held = db.execute(_LIVE, {"credentials": list(credentials)})
    return {row.secret_hash for row in held}


def new_secret() -> str:
    """Return what a browser will be known by."""
    return secrets.token_urlsafe(32)


def _open_account(secret: str, locale: str) -> CurrentPerson | None:
    """Make an account for the browser with this secret; None when there is one already."""
    user_id = new_id()
    try:
        with database().owner(user_id) as db:
            db.add(User(id=user_id, locale=locale))
            db.flush()
            device = device_of(request.headers.get("User-Agent", ""))
            BrowserSession.start(db, user_id, secret, device=device)
    except IntegrityError:
        return None
    session[SECRET_IN_COOKIE] = secret
    return CurrentPerson(user_id, "cookie", hash_secret(secret))


def _identify() -> CurrentPerson | None:
    token = _presented_token()
    if token is not None:
        return _look_up(ApiToken, token)
    secret = session.get(SECRET_IN_COOKIE)
    return _look_up(BrowserSession, secret) if isinstance(secret, str) else None


def _presented_token() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _look_up(model: type[ApiToken] | type[BrowserSession], secret: str) -> CurrentPerson | None:
    if not 0 < len(secret) <= _LONGEST_TOKEN:
        return None
    presented = hashlib.sha256(secret.encode(errors="replace")).digest()
    with database().gate(presented) as db:
        found = model.find(db, presented)
    if found is None:
        return None
    if found.last_used_at is None or datetime.now(UTC) - found.last_used_at > _TOUCH_EVERY:
        _touch(model, found.id, found.owner_id)
    return CurrentPerson(found.owner_id, "token" if model is ApiToken else "cookie", presented)


def _touch(
    model: type[ApiToken] | type[BrowserSession], credential_id: UUID, owner_id: UUID
) -> None:
    """Note that the person was here; at most one write a minute."""
    with database().owner(owner_id) as db:
        stale = func.now() - _TOUCH_EVERY
        db.execute(
            update(model)
            .where(
                model.id == credential_id,
                or_(model.last_used_at.is_(None), model.last_used_at < stale),
            )
            .values(last_used_at=func.now())
        )
        db.execute(
            update(User)
            .where(User.id == owner_id, User.last_seen_at < stale)
            .values(last_seen_at=func.now())
        )
