"""What opens an account, as its person sees it: browsers and tokens, listed and taken back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from models.account import ApiToken, BrowserSession
from models.queries import query

MOST_TOKENS = 50


def live_tokens(session: Session) -> list[ApiToken]:
    """Return the tokens of this transaction's person, newest first."""
    return list(
        session.scalars(
            select(ApiToken).where(ApiToken.revoked_at.is_(None)).order_by(ApiToken.id.desc())
        )
    )


def revoke_token(session: Session, token_id: UUID) -> bool:
    """Take a token back, with those that it made; whether it was a live one of this person."""
    return token_id in set(session.scalars(query("revoke_token"), {"id": token_id}))


def live_sessions(session: Session) -> list[BrowserSession]:
    """Return the browsers this person is signed in with, the last used first."""
    return list(
        session.scalars(
            select(BrowserSession)
            .where(BrowserSession.revoked_at.is_(None))
            .order_by(BrowserSession.last_used_at.desc(), BrowserSession.id.desc())
        )
    )


def end_session(session: Session, session_id: UUID) -> bool:
    """Sign one browser out; whether it was a live one of this person."""
    return _end(session, BrowserSession.id == session_id) > 0


def end_sessions(session: Session, *, but: bytes | None = None) -> int:
    """Sign every browser of this person out, except the one with this hash of its secret."""
    return _end(session, BrowserSession.secret_hash != (but or b""))


def _end(session: Session, which: ColumnElement[bool]) -> int:
    ended = session.scalars(
        update(BrowserSession)
        .where(which, BrowserSession.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
        .returning(BrowserSession.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())
