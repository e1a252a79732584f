"""Which account has a number: for commands, whose reader knows people by their phone."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.account import User
from models.errors import TextbackError
from models.phone import PhoneKeys, PhoneNumber
from models.settings import Settings


class NobodyHasNumberError(TextbackError):
    """No account has this number verified."""


def account_with(session: Session, settings: Settings, phone: str) -> UUID:
    """Return the account whose verified number this is.

    Args:
        session: one opened by `Database.operator`.
        settings: holds the key of look-ups.
        phone: in E.164, or as PhoneNumber.parse understands it.

    Raises:
        PhoneNumberError: that is no number.
        NobodyHasNumberError: nobody has verified it.
    """
    number = PhoneNumber.parse(phone)
    account_id: UUID | None = session.scalar(
        select(User.id).where(
            User.phone_hash == PhoneKeys(settings).fingerprint(number.e164),
            User.phone_verified_at.is_not(None),
        )
    )
    if account_id is None:
        raise NobodyHasNumberError(
            "No account has this number verified. Its person signs in with it on the page first."
        )
    return account_id
