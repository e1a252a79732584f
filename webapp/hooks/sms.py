"""Reports about texts, and people's answers to them."""

from __future__ import annotations

import hmac
import logging
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request

from models import record_operator_event
from models.callback import callback_hash, callback_secret
from models.delivery import Effect, record_report
from models.phone import PhoneKeys, PhoneNumber, PhoneNumberError
from models.suppression import SuppressionReason, allow, suppress
from tasks.providers.sms import sms_hooks
from tasks.text_errors import action_for
from tasks.wake import wake_on_commit
from webapp.db import database, settings
from webapp.errors import ProblemError

log = logging.getLogger(__name__)

hooks = Blueprint("hooks", __name__, url_prefix="/hooks/sms")
_MOST_BYTES = 32 * 1024
_NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@hooks.post("/<uuid:notification_id>/<int:fence>/<secret>")
def status(notification_id: UUID, fence: int, secret: str) -> Response:
    """Write down what became of a text, if it is news. A repeated report changes nothing."""
    carrier, fields = _signed_call()
    if not hmac.compare_digest(secret.encode(), _secret(notification_id, fence)):
        raise ProblemError("not_found")
    report = carrier.read_report(fields, fence)
    if report is None:
        return Response(status=204)
    with database().gate(callback_hash(settings(), notification_id)) as session:
        effect, job_id = record_report(session, notification_id, report)
        if effect is Effect.NO_TEXT:
            raise ProblemError("not_found")
        if effect is Effect.DOUBLED:
            record_operator_event(session, "text_doubled", str(notification_id))
        action = action_for(report.code) if report.code else None
        if effect is Effect.MOVED and action is not None and action.alert:
            record_operator_event(
                session, "text_not_delivered", str(notification_id), code=report.code
            )
        if effect is Effect.MOVED and job_id is not None:
            wake_on_commit(session, job_id)
    if action is not None and action.opted_out:
        _keep_wish(fields.get("To", ""), wants=False, reason=SuppressionReason.CARRIER)
    return Response(status=204)


@hooks.post("/inbound")
def inbound() -> Response:
    """Keep a STOP or START that somebody answered with. Twilio itself replies to them."""
    carrier, fields = _signed_call()
    number, wants = carrier.read_wish(fields)
    if wants is not None:
        _keep_wish(number, wants=wants, reason=SuppressionReason.REPLY)
    return Response(_NO_ANSWER, mimetype="text/xml")


def _signed_call() -> tuple[Any, dict[str, str]]:
    """Return what understands the carrier, and the fields of a call that it has signed.

    Raises:
        ProblemError: 404 where nobody carries texts, 403 for whoever else calls.
    """
    carrier = sms_hooks(settings())
    if carrier is None:
        raise ProblemError("not_found")
    request.max_content_length = _MOST_BYTES
    fields = request.form.to_dict()
    # Signed is the address we gave out. What a request says of its own host proves nothing.
    url = settings().base_url + request.full_path.rstrip("?")
    signature = request.headers.get(carrier.signature_header, "")
    if not carrier.is_signed(settings(), url, fields, signature):
        log.warning("unsigned call of a hook refused")
        raise ProblemError("forbidden", "This call is not signed by the carrier of our texts.")
    return carrier, fields


def _secret(notification_id: UUID, fence: int) -> bytes:
    return callback_secret(settings(), notification_id, fence).encode()


def _keep_wish(number: str, *, wants: bool, reason: SuppressionReason) -> None:
    try:
        e164 = PhoneNumber.parse(number).e164
    except PhoneNumberError:
        return  # a short code or a name: nobody we could have texted
    phone_hash = PhoneKeys(settings()).fingerprint(e164)
    with database().gate(phone_hash) as session:
        if wants:
            allow(session, phone_hash)
        else:
            suppress(session, phone_hash, reason)
