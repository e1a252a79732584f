"""A person with a row in every table that holds something of people."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

from factories import claim_job, give_phone, make_job, make_search

from models import (
    ApiToken,
    BrowserSession,
    Database,
    Notification,
    NotificationStatus,
    Occurrence,
    ResultLink,
    Settings,
    Sighting,
    SuppressionReason,
    Upload,
    VerificationCode,
)
from models.phone import PhoneKeys
from models.suppression import suppress


def fill(database: Database, settings: Settings, owner: UUID) -> str:
    """Give a person a row in every table there is of people; return their number."""
    number = give_phone(database, settings, owner)
    phone_hash = PhoneKeys(settings).fingerprint(number)
    with database.owner(owner) as session:
        BrowserSession.start(session, owner)
        ApiToken.create(session, owner, "a program")
        Upload.store(session, owner, io.BytesIO(b"x" * 3_000_000), media_type="image/png")
        session.add(
            VerificationCode(
                owner_id=owner,
                phone_hash=phone_hash,
                phone_country="KR",
                phone_last_digits=number[-4:],
                provider="twilio",
                provider_sid=f"SMcode{owner}",
                expires_at=datetime.now(UTC) + timedelta(minutes=10),
            )
        )
        suppress(session, phone_hash, SuppressionReason.REPLY)
    search_id = make_search(database, settings, owner, name="every morning")
    done = make_job(database, settings, owner, idempotency_key="a key", request_hash=b"h")
    make_job(database, settings, owner)
    claim = claim_job(database, done)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    with database.owner(owner) as session:
        ResultLink.create(
            session,
            settings,
            job_id=done,
            owner_id=owner,
            purpose="share",
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
    with database.operator() as session:
        session.add(
            Notification(
                job_id=done,
                owner_id=owner,
                purpose="job_ended",
                status=NotificationStatus.SENT,
                provider="twilio",
                provider_sid=f"SMtext{owner}",
            )
        )
    with database.operator() as session:
        session.add(
            Occurrence(
                saved_search_id=search_id,
                owner_id=owner,
                slot_local=datetime(2026, 1, 1, 8),  # noqa: DTZ001 - by the clock of its zone
                cron_line="0 8 * * *",
                due_at=datetime.now(UTC),
                job_id=done,
            )
        )
        session.add(Sighting(saved_search_id=search_id, owner_id=owner, key="seen before"))
    return number
