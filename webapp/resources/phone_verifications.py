"""Proving the phone of a program's account: a code goes there, and comes back."""

from __future__ import annotations

from uuid import UUID

from flask import Response, json

from models.phone import PhoneNumber, PhoneNumberError, mask
from models.phone_proof import Typed
from webapp.auth import CurrentPerson, require_api_person
from webapp.db import settings
from webapp.errors import ProblemError, invalid_field
from webapp.i18n import current_language
from webapp.identity import find_code, prove, send_code
from webapp.limits import limit_submits
from webapp.resources.api import PHONES, api, problem_response
from webapp.resources.job_json import json_time
from webapp.resources.schemas import (
    CodeAttempt,
    PhoneVerification,
    PhoneVerificationPath,
    PhoneVerificationRequest,
)

_NOT_RIGHT = {
    Typed.WRONG: "code_wrong",
    Typed.TOO_MANY: "code_used_up",
    Typed.EXPIRED: "code_expired",
    Typed.USED: "code_expired",
}


@api.post(
    "/phone-verifications",
    tags=[PHONES],
    operation_id="verify_phone",
    security=[{"token": []}],
    responses={
        202: PhoneVerification,
        422: problem_response("invalid_request", "texts_off"),
        429: problem_response("too_many_codes", "too_many_requests"),
    },
)
@limit_submits
def verify_phone(body: PhoneVerificationRequest) -> Response:
    """Text a code to a phone.

    The answer is the same for a number that is known here and one that is not. Asked again within
    30 seconds, it is about the code that is on its way.
    """
    person = require_api_person()
    if settings().sms_provider == "none":
        raise ProblemError("texts_off")
    try:
        number = PhoneNumber.parse(body.phone, body.country)
    except PhoneNumberError as error:
        raise invalid_field("phone", str(error)) from None
    if not settings().may_text(number.country):
        raise invalid_field(
            "phone",
            f"numbers of {number.country} are not texted here; those of "
            f"{settings().text_countries} are",
        )
    asked = send_code(person, number, locale=body.locale or current_language())
    if asked.code_id is None:
        raise ProblemError("too_many_codes", headers={"Retry-After": "3600"})
    return _shown(person, asked.code_id, 202)


@api.post(
    "/phone-verifications/<verification_id>/attempts",
    tags=[PHONES],
    operation_id="type_code",
    security=[{"token": []}],
    responses={
        200: PhoneVerification,
        404: problem_response("verification_not_found"),
        409: problem_response("phone_taken", "phone_kept"),
        422: problem_response("code_wrong", "code_used_up", "code_expired"),
    },
)
@limit_submits
def type_code(path: PhoneVerificationPath, body: CodeAttempt) -> Response:
    """Type the code back.

    The number becomes that of the account. If another account has proven it, this account, which
    has none, becomes part of that one: its jobs, its running ones too, and its tokens.
    """
    person = require_api_person()
    outcome, settled = prove(person, path.verification_id, body.code)
    if outcome is None:
        raise ProblemError("verification_not_found")
    if settled is None:
        raise ProblemError(_NOT_RIGHT[outcome])
    now = CurrentPerson(settled.account_id, person.via, person.credential)
    return _shown(now, path.verification_id, 200)


def _shown(person: CurrentPerson, code_id: UUID, status: int) -> Response:
    code = find_code(person, code_id)
    assert code is not None  # noqa: S101 - made or found a moment ago
    shown = {
        "id": str(code.id),
        "phone": mask(code.phone_last_digits),
        "country": code.phone_country,
        "status": "verified" if code.verified_at else "waiting",
        "expires_at": json_time(code.expires_at),
    }
    return Response(json.dumps(shown) + "\n", status, mimetype="application/json")
