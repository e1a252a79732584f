"""Asking for a code and typing it back: the proof that somebody has a phone."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.daily_counter import spend
from models.ids import new_id
from models.operator_event import record_operator_event
from models.phone import PhoneKeys, PhoneNumber
from models.settings import Settings
from models.text_caps import code_caps
from models.verification_code import LIFETIME_SECONDS, MOST_TRIES, VerificationCode, code_of

# Whoever asks again sooner is told of the code that is on its way.
AGAIN_AFTER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking for a code: its row, or the cap that is used up."""

    code_id: UUID | None = None
    is_new: bool = False
    capped: str | None = None


class Typed(StrEnum):
    """What came of typing a code."""

    RIGHT = "right"
    WRONG = "wrong"
    TOO_MANY = "too_many"
    EXPIRED = "expired"
    USED = "used"


def ask_code(
    session: Session,
    settings: Settings,
    owner_id: UUID,
    number: PhoneNumber,
    *,
    address: str,
    locale: str,
    job_id: UUID | None = None,
) -> Asked:
    """Have a code sent to a number, whether or not anybody is known by it.

    Args:
        session: a transaction of the person who asks. It must be committed even if a cap is hit,
            for that counts too.
        settings: holds the caps.
        owner_id: that person.
        number: where it goes.
        address: of the caller.
        locale: the language of the text.
        job_id: the search whose link is texted once the number is verified.
    """
    keys = PhoneKeys(settings)
    phone_hash = keys.fingerprint(number.e164)
    live = session.scalar(
        select(VerificationCode.id)
        .where(
            VerificationCode.owner_id == owner_id,
            VerificationCode.phone_hash == phone_hash,
            VerificationCode.verified_at.is_(None),
            VerificationCode.tries < MOST_TRIES,
            VerificationCode.created_at
            > func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, AGAIN_AFTER_SECONDS),
        )
        .order_by(VerificationCode.id.desc())
        .limit(1)
    )
    if live is not None:
        if job_id is not None:
            _change(session, live, job_id=job_id)
        return Asked(live)
    hit = spend(
        session,
        code_caps(settings, keys, e164=number.e164, owner_id=owner_id, address=address),
    )
    if hit is not None:
        cap, times = hit
        if times == 1:
            record_operator_event(session, "cap_hit", cap.scope, most=cap.most)
        return Asked(capped=cap.scope)
    # One code at a time: a newer one makes the older useless.
    session.execute(
        update(VerificationCode)
        .where(VerificationCode.owner_id == owner_id, VerificationCode.verified_at.is_(None))
        .values(expires_at=func.clock_timestamp(), phone_ciphertext=None)
        .execution_options(synchronize_session=False)
    )
    code_id = new_id()
    session.add(
        VerificationCode(
            id=code_id,
            owner_id=owner_id,
            phone_hash=phone_hash,
            phone_ciphertext=keys.encrypt(number.e164, str(code_id)),
            phone_country=number.country,
            phone_last_digits=number.e164[-4:],
            locale=locale,
            job_id=job_id,
            dispatched_at=func.clock_timestamp(),
            expires_at=func.clock_timestamp()
            + func.make_interval(0, 0, 0, 0, 0, 0, LIFETIME_SECONDS),
        )
    )
    session.flush()
    return Asked(code_id, is_new=True)


def type_code(session: Session, settings: Settings, code_id: UUID, typed: str) -> Typed | None:
    """Compare what somebody typed with their code; each wrong try counts.

    Args:
        session: a transaction of the person who asked for it. It must be committed whatever comes
            of it, for tries count.
        settings: holds the key that codes are made with.
        code_id: which code.
        typed: six digits, with whatever a keyboard put between them.

    Returns:
        None if this person has no such code.
    """
    row = session.execute(
        select(
            VerificationCode.tries,
            VerificationCode.verified_at,
            (VerificationCode.expires_at > func.clock_timestamp()).label("is_live"),
        )
        .where(VerificationCode.id == code_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    digits = "".join(letter for letter in typed if letter.isdecimal())
    is_right = hmac.compare_digest(digits.encode(), code_of(settings, code_id).encode())
    if row.verified_at is not None:
        return Typed.USED
    if row.tries >= MOST_TRIES:
        return Typed.TOO_MANY
    if not row.is_live:
        return Typed.EXPIRED
    if is_right:
        _change(session, code_id, verified_at=func.clock_timestamp())
        return Typed.RIGHT
    _change(session, code_id, tries=row.tries + 1)
    return Typed.TOO_MANY if row.tries + 1 >= MOST_TRIES else Typed.WRONG


def _change(session: Session, code_id: UUID, **values: object) -> None:
    session.execute(
        update(VerificationCode)
        .where(VerificationCode.id == code_id)
        .values(values)
        .execution_options(synchronize_session=False)
    )
