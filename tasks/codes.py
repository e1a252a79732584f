"""The Celery task that texts a code, once; who gets none asks for another."""

from __future__ import annotations

import logging
from uuid import UUID

from sqlalchemy import func, update

from models import Settings, VerificationCode
from models.phone import PhoneKeys
from models.queries import query
from models.verification_code import code_of
from tasks import runtime
from tasks.app import celery_app
from tasks.code_words import code_body
from tasks.providers.sms import sms_provider
from tasks.providers.sms.base import Outcome, SmsError

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
RETRY_SECONDS = 5.0


@celery_app.task(name="notification.deliver_code")
def deliver_code(code_id: str) -> str:
    """Claim a code's row and commit, text it, record the answer; nothing goes out twice."""
    settings = runtime.settings()
    provider = sms_provider(settings)
    with runtime.database().worker() as session:
        row = session.execute(
            query("claim_code"), {"id": UUID(code_id), "lease_seconds": settings.text_lease_seconds}
        ).one_or_none()
    if row is None:
        return "nothing to send"
    if provider is None:
        return _record(row.id, "failed", error_code="texts_off")
    to = PhoneKeys(settings).decrypt(row.phone_ciphertext, str(row.id))
    try:
        sent = provider.send(to=to, body=_words(settings, row.id, row.locale, row.phone_country))
    except SmsError as error:
        log.warning("code not sent code_id=%s code=%s", row.id, error.code)
        if error.outcome is Outcome.UNKNOWN:
            return _record(row.id, "unknown", error_code=error.code)
        if error.permanent or row.attempts >= MOST_ATTEMPTS:
            return _record(row.id, "failed", error_code=error.code)
        return _record(row.id, "queued", error_code=error.code, wait=RETRY_SECONDS)
    return _record(row.id, "sent", provider=provider.name, provider_sid=sent.sid)


def _words(settings: Settings, code_id: UUID, locale: str, country: str) -> str:
    code = code_of(settings, code_id)
    return code_body(locale=locale, code=code, base_url=settings.base_url, country=country)


def _record(code_id: UUID, status: str, *, wait: float | None = None, **columns: object) -> str:
    not_before = None
    if wait is not None:
        not_before = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, wait)
    with runtime.database().worker() as session:
        session.execute(
            update(VerificationCode)
            .where(VerificationCode.id == code_id, VerificationCode.status == "sending")
            .values(
                status=status,
                lease_until=None,
                dispatched_at=None,
                not_before=not_before,
                **columns,
            )
            .execution_options(synchronize_session=False)
        )
    return status
