"""Making API tokens from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from models import ApiToken, Database, Settings, User
from models.errors import TextbackError
from models.ids import new_id
from models.phone import PhoneKeys, PhoneNumber


def create(*, name: str, account_id: UUID | None, phone: str | None) -> str:
    """Make a token for an account, or for a new one, and return its secret."""
    settings = Settings.from_env()
    if phone and settings.sms_provider != "console":
        raise TextbackError(
            "--phone: only with SMS_PROVIDER=console, whose texts stay on this machine; "
            "other numbers must be verified by a code"
        )
    database = Database(settings)
    number = PhoneNumber.parse(phone) if phone else None
    try:
        owner_id = account_id or _who_has(database, settings, number) or new_id()
        with database.owner(owner_id) as session:
            user = session.get(User, owner_id)
            if user is None:
                if account_id is not None:
                    raise TextbackError(f"--account: there is no account {account_id}")
                user = User(id=owner_id)
                session.add(user)
                session.flush()
            if number is not None and not user.has_verified_phone:
                user.set_phone(number, PhoneKeys(settings))
                user.phone_verified_at = datetime.now(UTC)
            return ApiToken.create(session, owner_id, name)
    finally:
        database.dispose()


def _who_has(database: Database, settings: Settings, number: PhoneNumber | None) -> UUID | None:
    if number is None:
        return None
    phone_hash = PhoneKeys(settings).fingerprint(number.e164)
    with database.operator() as session:
        found: UUID | None = session.scalar(
            select(User.id).where(
                User.phone_hash == phone_hash, User.phone_verified_at.is_not(None)
            )
        )
    return found
