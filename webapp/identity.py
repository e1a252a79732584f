"""Proving a phone, for pages and programs: ask for a code, type it, be who has that number."""

from __future__ import annotations

from uuid import UUID

from flask import g, request, session
from sqlalchemy import func, select, update

from models import BrowserSession, Job, VerificationCode
from models.account import hash_secret
from models.phone import PhoneNumber
from models.phone_proof import Asked, Typed, ask_code, type_code
from models.settling import Settled, settle_phone
from tasks.dispatch import code_on_commit
from tasks.late_texts import text_when_done
from webapp.auth import SECRET_IN_COOKIE, CurrentPerson, new_secret
from webapp.db import database, settings
from webapp.device import device_of

# In the browser's cookie: its person came to change the number, not to sign in.
WANTS_ANOTHER = "another_number"


def send_code(
    person: CurrentPerson, number: PhoneNumber, *, locale: str, job_id: UUID | None = None
) -> Asked:
    """Have a code sent; the same answer for a number that is known and one that is not."""
    with database().owner(person.id) as db:
        if job_id is not None and db.get(Job, job_id) is None:
            job_id = None
        asked = ask_code(
            db,
            settings(),
            person.id,
            number,
            address=request.remote_addr or "unknown",
            locale=locale,
            job_id=job_id,
        )
        if asked.code_id is not None and asked.is_new:
            code_on_commit(db, asked.code_id)
    return asked


def find_code(person: CurrentPerson, code_id: UUID) -> VerificationCode | None:
    """Return a code this person asked for."""
    with database().owner(person.id) as db:
        return db.get(VerificationCode, code_id)


def prove(person: CurrentPerson, code_id: UUID, typed: str) -> tuple[Typed | None, Settled | None]:
    """Compare a code, and if it is right give the number to its account and this browser to that.

    Returns:
        What came of it, None for no code of this person; and where the person is now.

    Raises:
        NumberTakenError: a program's account has another number already.
        NumberKeptError: so it has, and nobody has this one.
    """
    with database().owner(person.id) as db:
        outcome = type_code(db, settings(), code_id, typed)
    if outcome is not Typed.RIGHT:
        return outcome, None
    is_browser = person.via == "cookie"
    secret = new_secret()
    wants_another = is_browser and session.pop(WANTS_ANOTHER, None) is not None
    with database().operator() as db:
        job_id = db.scalar(select(VerificationCode.job_id).where(VerificationCode.id == code_id))
        settled = settle_phone(
            db,
            settings(),
            code_id,
            owner_id=person.id,
            may_switch=is_browser,
            # Beside a search it is where its text goes, asked for under “Use another number”.
            may_replace=is_browser and (wants_another or job_id is not None),
        )
        if is_browser:
            # Who had this browser's secret before has nothing of it now.
            db.execute(
                update(BrowserSession)
                .where(BrowserSession.secret_hash == person.credential)
                .values(revoked_at=func.clock_timestamp())
                .execution_options(synchronize_session=False)
            )
            device = device_of(request.headers.get("User-Agent", ""))
            BrowserSession.start(db, settled.account_id, secret, device=device)
    if is_browser:
        session[SECRET_IN_COOKIE] = secret
        session.permanent = True
        g.person = CurrentPerson(settled.account_id, "cookie", hash_secret(secret))
    if job_id is not None:
        with database().owner(settled.account_id) as db:
            text_when_done(db, settings(), job_id)
    return outcome, settled
