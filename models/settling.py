"""What a proven phone number does to accounts: it is given to one, or two become one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.account import ApiToken, BrowserSession, User
from models.errors import TextbackError
from models.ids import new_id
from models.job import Job
from models.phone import PhoneKeys, PhoneNumber
from models.saved_search import SavedSearch
from models.settings import Settings
from models.upload import Upload
from models.verification_code import VerificationCode

# A proof is used at once, or not at all.
_FRESH_SECONDS = 60


class NotProvenError(TextbackError):
    """This code proves nothing: it was not typed, is used already, or is another person's."""


class NumberTakenError(TextbackError):
    """This number is another account's, and this account has a verified number of its own."""


class NumberKeptError(TextbackError):
    """This account has another verified number; only its person, in a browser, changes it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Where a person is now.

    Attributes:
        account_id: the account that has the number.
        is_merged: whether the one they came with has become part of it.
    """

    account_id: UUID
    is_merged: bool = False


def settle_phone(
    session: Session,
    settings: Settings,
    code_id: UUID,
    *,
    owner_id: UUID,
    may_switch: bool,
    may_replace: bool = False,
) -> Settled:
    """Give a proven number to its account.

    1. Nobody has it: it becomes the number of the account that proved it. One that has another
       number keeps that, unless its person wants to change it: the browser gets a new account.
    2. Another account has it, and this one has no number: this one is poured into that one.
    3. Another account has it, and this one has a number of its own: the browser changes to that
       account and nothing is poured, for a shared machine must not make one of two people.

    Args:
        session: one opened by `Database.operator`; the code's row in it is the proof.
        settings: holds the phone keys.
        code_id: a code that was typed a moment ago.
        owner_id: who typed it.
        may_switch: whether 3 is possible, as for a browser.
        may_replace: whether its person asked for another number, and not just to sign in.

    Raises:
        NotProvenError: see there.
        NumberTakenError: 3 is the case and not possible.
        NumberKeptError: nobody has it, this account has another one, and a program asks.
    """
    code = session.scalar(
        select(VerificationCode)
        .where(
            VerificationCode.id == code_id,
            VerificationCode.owner_id == owner_id,
            VerificationCode.settled_at.is_(None),
            VerificationCode.verified_at
            > func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, _FRESH_SECONDS),
        )
        .with_for_update()
    )
    if code is None or code.phone_ciphertext is None:
        raise NotProvenError
    keys = PhoneKeys(settings)
    number = PhoneNumber(keys.decrypt(code.phone_ciphertext, str(code.id)), code.phone_country)
    # Two browsers that prove one new number at once: the second sees what the first made of it.
    lock = int.from_bytes(code.phone_hash[:8], signed=True)
    session.execute(select(func.pg_advisory_xact_lock(lock)))
    known = session.scalar(
        select(User.id).where(
            User.phone_hash == code.phone_hash, User.phone_verified_at.is_not(None)
        )
    )
    people = _lock(session, {owner_id} | ({known} if known else set()))
    me = people[owner_id]
    if known is not None and not (
        known in people
        and people[known].has_verified_phone
        and people[known].phone_hash == code.phone_hash
    ):
        known = None  # erased, or given another number, while we waited for its row
    code.settled_at = func.clock_timestamp()
    code.phone_ciphertext = None
    session.flush()
    if known == owner_id:
        return Settled(owner_id)
    if me.has_verified_phone and not may_switch:
        raise NumberTakenError if known else NumberKeptError
    if may_switch and not me.has_verified_phone:
        _forget_what_was_made_before(session, owner_id)
    if known is None:
        if me.has_verified_phone and not may_replace:
            me = User(id=new_id(), locale=me.locale, time_zone=me.time_zone)
            session.add(me)
        me.set_phone(number, keys)
        me.phone_verified_at = func.clock_timestamp()
        session.flush()
        return Settled(me.id)
    if me.has_verified_phone:
        return Settled(known)
    merge(session, owner_id, known)
    return Settled(known, is_merged=True)


def _forget_what_was_made_before(session: Session, owner_id: UUID) -> None:
    """End the tokens and browsers of an account that was nobody's yet.

    Whoever had this browser before may have made a token with it, and would be this person now.
    """
    for model in (ApiToken, BrowserSession):
        session.execute(
            update(model)
            .where(model.owner_id == owner_id, model.revoked_at.is_(None))
            .values(revoked_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )


def merge(session: Session, from_id: UUID, into_id: UUID) -> None:
    """Pour one account into another; whatever runs goes on, for workers know jobs by id and fence.

    Both rows of `users` are locked. Of two jobs, or saved searches, with the same idempotency key
    the moved one loses its; what hangs on a row follows by `on update cascade`.
    """
    # Saved searches are locked before the jobs that point at them, as whoever deletes one does.
    session.execute(
        select(SavedSearch.id)
        .where(SavedSearch.owner_id == from_id)
        .order_by(SavedSearch.id)
        .with_for_update()
    )
    for keyed in (SavedSearch, Job):
        theirs = select(keyed.idempotency_key).where(
            keyed.owner_id == into_id, keyed.idempotency_key.is_not(None)
        )
        session.execute(
            update(keyed)
            .where(keyed.owner_id == from_id, keyed.idempotency_key.in_(theirs))
            .values(idempotency_key=None, request_hash=None)
            .execution_options(synchronize_session=False)
        )
    for model in (SavedSearch, Job, Upload, BrowserSession, ApiToken, VerificationCode):
        session.execute(
            update(model)
            .where(model.owner_id == from_id)
            .values(owner_id=into_id)
            .execution_options(synchronize_session=False)
        )
    session.execute(
        delete(User).where(User.id == from_id).execution_options(synchronize_session=False)
    )


def _lock(session: Session, ids: set[UUID]) -> dict[UUID, User]:
    """Lock accounts, always in the same order, so that two who merge never wait for each other."""
    rows = session.scalars(select(User).where(User.id.in_(ids)).order_by(User.id).with_for_update())
    return {user.id: user for user in rows}
