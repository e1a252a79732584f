"""The pages on which somebody proves a phone: beside a search, or to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request, session
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models import User, VerificationCode
from models.phone import PhoneKeys, PhoneNumber, PhoneNumberError
from models.phone_proof import Typed
from models.verification_code import MOST_TRIES
from webapp.auth import current_person, ensure_account, prepare_account
from webapp.db import settings
from webapp.i18n import current_language, likely_country
from webapp.identity import WANTS_ANOTHER, find_code, prove, send_code
from webapp.limits import limit_submits
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.countries import countries
from webapp.pages.errors import error_response
from webapp.pages.templating import masked

CAPPED = "capped"


@dataclass(frozen=True, slots=True)
class CodeView:
    """What the part about a code shows.

    Attributes:
        id: of the code; None when none could be sent.
        phone: masked.
        problem: what is wrong, in a sentence; None if nothing is.
        is_over: whether only another code helps.
    """

    id: UUID | None
    phone: str
    problem: str | None
    is_over: bool
    job_id: UUID | None


def code_view(code: VerificationCode | None, said: str | None) -> CodeView | None:
    """Return what to show of a code, after what was said of the last try."""
    if code is None:
        if said != CAPPED:
            return None
        return CodeView(None, "", _sentence(CAPPED), is_over=True, job_id=None)
    if code.verified_at is not None:
        return None
    lapsed = code.expires_at <= datetime.now(UTC)
    if code.tries >= MOST_TRIES:
        said = "too_many"
    elif lapsed:
        said = "expired"
    elif code.status == "failed":
        said = "not_sent"
    return CodeView(
        code.id,
        masked(code.phone_last_digits),
        _sentence(said),
        is_over=lapsed or code.tries >= MOST_TRIES or code.status == "failed",
        job_id=code.job_id,
    )


def code_of_job(db: Session, job_id: UUID, user: User) -> CodeView | None:
    """Return the code that a search waits for, unless the number is proven by now."""
    code = db.scalar(
        select(VerificationCode)
        .where(VerificationCode.job_id == job_id)
        .order_by(VerificationCode.id.desc())
        .limit(1)
    )
    if code is not None and user.has_verified_phone and user.phone_hash == code.phone_hash:
        return None
    return code_view(code, request.args.get("code"))


@pages_blueprint.get("/sign-in")
def sign_in() -> Response:
    """Ask for the phone."""
    if settings().sms_provider == "none":
        return error_response(404)
    prepare_account()
    if "another" in request.args:
        session[WANTS_ANOTHER] = True
    else:
        session.pop(WANTS_ANOTHER, None)
    return _phone_form()


@pages_blueprint.post("/sign-in")
@limit_submits
def send_sign_in_code() -> AnyResponse:
    """Text a code to the number that was typed."""
    if settings().sms_provider == "none":
        return error_response(404)
    country, typed = request.form.get("country", ""), request.form.get("phone", "").strip()
    try:
        number = PhoneNumber.parse(typed, country or None)
    except PhoneNumberError:
        return _phone_form(country, typed, not_a_number())
    if not settings().may_text(number.country):
        return _phone_form(country, typed, not_this_country(number.country))
    person = ensure_account(current_language())
    job_id = _uuid(request.form.get("job"))
    asked = send_code(person, number, locale=current_language(), job_id=job_id)
    if asked.code_id is None:
        return _phone_form(country, typed, _sentence(CAPPED))
    return redirect(_back(asked.code_id, job_id), code=303)


@pages_blueprint.get("/sign-in/<uuid:code_id>")
def code_page(code_id: UUID) -> AnyResponse:
    """Ask for the code."""
    person = current_person()
    code = None if person is None else find_code(person, code_id)
    if code is None:
        return error_response(404)
    view = code_view(code, request.args.get("code"))
    if view is None:
        return redirect("/jobs", code=303)
    return make_response(render_template("sign_in.html", verify=view))


@pages_blueprint.post("/verification/<uuid:code_id>")
@limit_submits
def type_code(code_id: UUID) -> AnyResponse:
    """Take the code that was typed."""
    person = current_person()
    code = None if person is None else find_code(person, code_id)
    if person is None or code is None:
        return error_response(404)
    outcome, _ = prove(person, code_id, request.form.get("code", ""))
    if outcome is Typed.RIGHT:
        return redirect(f"/jobs/{code.job_id}" if code.job_id else "/jobs", code=303)
    if outcome is Typed.USED:
        return redirect("/jobs", code=303)
    return redirect(_back(code_id, code.job_id, outcome), code=303)


@pages_blueprint.post("/verification/<uuid:code_id>/again")
@limit_submits
def another_code(code_id: UUID) -> AnyResponse:
    """Text another code to the same number."""
    person = current_person()
    code = None if person is None else find_code(person, code_id)
    if person is None or code is None:
        return error_response(404)
    number = _number_of(code)
    if number is None:  # let go of; it has to be typed once more
        return redirect("/sign-in" if code.job_id is None else f"/jobs/{code.job_id}", code=303)
    asked = send_code(person, number, locale=current_language(), job_id=code.job_id)
    if asked.code_id is None:
        return redirect(_back(code_id, code.job_id, CAPPED), code=303)
    return redirect(_back(asked.code_id, code.job_id), code=303)


def not_a_number() -> str:
    """Say that what was typed is no number."""
    return gettext("That is not a mobile number we know how to text. Check it and its country.")


def not_this_country(code: str) -> str:
    """Say that numbers of a country cannot be texted here."""
    names = {country.code: country.name for country in countries(current_language())}
    return gettext(
        "We cannot text numbers of this country yet: %(country)s.", country=names.get(code, code)
    )


def allowed_countries() -> list[Any]:
    """Return what the picker of countries offers."""
    return [one for one in countries(current_language()) if settings().may_text(one.code)]


def default_country() -> str:
    """Return the country a number is probably of, if we may text it."""
    likely = likely_country()
    allowed = [one.code for one in allowed_countries()]
    return likely if likely in allowed or not allowed else allowed[0]


def _phone_form(country: str = "", phone: str = "", problem: str | None = None) -> Response:
    page = render_template(
        "sign_in.html",
        verify=None,
        countries=allowed_countries(),
        country=country or default_country(),
        phone=phone,
        problem=problem,
        job=_uuid(request.values.get("job")),
    )
    return make_response(page, 422 if problem else 200)


def _number_of(code: VerificationCode) -> PhoneNumber | None:
    if code.phone_ciphertext is None:
        return None
    e164 = PhoneKeys(settings()).decrypt(code.phone_ciphertext, str(code.id))
    return PhoneNumber(e164, code.phone_country)


def _back(code_id: UUID, job_id: UUID | None, said: str | None = None) -> str:
    page = f"/jobs/{job_id}" if job_id else f"/sign-in/{code_id}"
    return f"{page}?code={said}" if said else page


def _sentence(said: str | None) -> str | None:
    return {
        "wrong": gettext("That is not the code. Look at the newest text once more."),
        "too_many": gettext("That was wrong five times. Have a new code sent."),
        "expired": gettext("This code is too old. Have a new one sent."),
        "not_sent": gettext("We could not text this number. Check it, and try again."),
        CAPPED: gettext(
            "That is all the codes for today. Try again tomorrow; your searches go on without."
        ),
    }.get(said or "")


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
