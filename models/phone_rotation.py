"""Encrypts the phone numbers that are kept anew, with the key that is in use now."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update

from models.account import User
from models.phone import PhoneKeyError, PhoneKeys
from models.session import Database
from models.settings import Settings
from models.verification_code import VerificationCode

BATCH = 200


@dataclass(slots=True)
class Rotated:
    """What came of it.

    Attributes:
        changed: numbers that are encrypted with the new key now.
        unreadable: numbers that none of the keys opens; they are left as they are.
    """

    changed: int = 0
    unreadable: int = 0


def rotate_phones(database: Database, settings: Settings) -> Rotated:
    """Go through all numbers, of accounts and of codes under way, in small transactions.

    A number that is changed meanwhile is left alone: who changed it had the new key.
    """
    keys = PhoneKeys(settings)
    rotated = Rotated()
    for model in (User, VerificationCode):
        last: UUID | None = UUID(int=0)
        while last is not None:
            last = _rotate_batch(database, keys, model, last, rotated)
    return rotated


def _rotate_batch(
    database: Database,
    keys: PhoneKeys,
    model: type[User] | type[VerificationCode],
    after: UUID,
    rotated: Rotated,
) -> UUID | None:
    """Do the next rows after an id; returns the last one's, None when there are no more."""
    with database.operator() as session:
        rows = session.execute(
            select(model.id, model.phone_ciphertext)
            .where(
                model.id > after,
                model.phone_ciphertext.is_not(None),
                func.substr(model.phone_ciphertext, 1, len(keys.mark)) != keys.mark,
            )
            .order_by(model.id)
            .limit(BATCH)
        ).all()
        for row_id, kept in rows:
            assert kept is not None  # noqa: S101 - asked for above
            try:
                anew = keys.encrypt(keys.decrypt(kept, str(row_id)), str(row_id))
            except PhoneKeyError:
                rotated.unreadable += 1
                continue
            changed = session.execute(
                update(model)
                .where(model.id == row_id, model.phone_ciphertext == kept)
                .values(phone_ciphertext=anew)
                .returning(model.id)
                .execution_options(synchronize_session=False)
            ).one_or_none()
            rotated.changed += changed is not None
        return rows[-1].id if rows else None
