"""The account page: what a person has here, who else may open it, and how to take it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, redirect, render_template, request, session
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models import ApiToken, Suppression, SuppressionReason, User
from models.credentials import (
    MOST_TOKENS,
    end_session,
    end_sessions,
    live_sessions,
    live_tokens,
    revoke_token,
)
from models.erasing import NoSuchAccountError, erase
from models.suppression import allow, suppress
from webapp.auth import CurrentPerson, current_person
from webapp.db import database, settings
from webapp.i18n import current_language
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.reader import UNSET_ZONE
from webapp.pages.saved_clock import saved_page
from webapp.pages.templating import masked
from webapp.pages.zones import city_of, is_zone, zones
from webapp.personal_data import download
from webapp.resources.schemas import is_odd_text

LONGEST_NAME = 100
# Turned on again here, but the carrier may still hold texts back.
_BY_CARRIER = (SuppressionReason.REPLY, SuppressionReason.CARRIER)


@pages_blueprint.get("/account")
def account() -> Response:
    """Show what this browser's account is; it may have none yet."""
    person = _person()
    if person is None:
        return make_response(render_template("account.html", user=None))
    return _page(person)


@pages_blueprint.post("/account/texts")
def choose_texts() -> AnyResponse:
    """Stop the texts to this person's number, or turn them on again."""

    def choose(db: Session, person: CurrentPerson) -> None:
        user = db.get_one(User, person.id)
        if user.phone_hash is None or not user.has_verified_phone:
            return
        if request.form.get("texts") == "stop":
            suppress(db, user.phone_hash, SuppressionReason.ACCOUNT)
        elif request.form.get("texts") == "allow":
            allow(db, user.phone_hash)

    return _change(choose, "texts")


@pages_blueprint.post("/account/time-zone")
def choose_zone() -> AnyResponse:
    """Keep the person's time zone; the browser's own suggestion only while there is none.

    Whoever chose it on a page of saved searches comes back to that one: `back`.
    """
    zone, is_guess = request.form.get("time_zone", ""), "guess" in request.form

    def choose(db: Session, person: CurrentPerson) -> None:
        user = db.get_one(User, person.id)
        if is_zone(zone) and (not is_guess or user.time_zone == UNSET_ZONE):
            user.time_zone = zone

    answer = _change(choose, "zone")
    if "back" in request.form and answer.status_code == 303:
        return redirect(saved_page(request.form["back"]), code=303)
    return Response(status=204) if is_guess and answer.status_code == 303 else answer


@pages_blueprint.post("/account/sessions/<uuid:session_id>/end")
def end_one(session_id: UUID) -> AnyResponse:
    """Sign one browser out."""
    return _change(lambda db, _: end_session(db, session_id), "browsers")


@pages_blueprint.post("/account/sessions/end-others")
def end_others() -> AnyResponse:
    """Sign out every browser but this one."""
    return _change(lambda db, person: end_sessions(db, but=person.credential), "browsers")


@pages_blueprint.post("/account/tokens")
def make_token() -> AnyResponse:
    """Make a token and show it, the only time it can be seen."""
    person = _person()
    if person is None:
        return error_response(404)
    name = request.form.get("name", "").strip()
    if not name or len(name) > LONGEST_NAME or is_odd_text(name):
        return _page(person, token_problem=gettext("Give it a name, so that you know it again."))
    with database().owner(person.id) as db:
        # One at a time, so that the limit holds.
        db.get_one(User, person.id, with_for_update={"key_share": True})
        is_full = len(live_tokens(db)) >= MOST_TOKENS
        secret = None if is_full else ApiToken.create(db, person.id, name)
    if secret is None:
        problem = gettext("You have %(most)s tokens. Revoke one first.", most=MOST_TOKENS)
        return _page(person, token_problem=problem)
    return _page(person, new_token=secret, new_name=name)


@pages_blueprint.post("/account/tokens/<uuid:token_id>/revoke")
def revoke(token_id: UUID) -> AnyResponse:
    """Take a token back."""
    return _change(lambda db, _: revoke_token(db, token_id), "tokens")


@pages_blueprint.get("/account/export")
def export_account() -> Response:
    """Give a person everything about them, as a file."""
    person = _person()
    return error_response(404) if person is None else download(person.id)


@pages_blueprint.get("/account/erasure")
def ask_erasure() -> Response:
    """Ask once more, and say what goes and what stays."""
    person = _person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as db:
        has_phone = db.get_one(User, person.id).has_verified_phone
    return make_response(render_template("erasure.html", has_phone=has_phone))


@pages_blueprint.post("/account/erasure")
def erase_account() -> AnyResponse:
    """Erase the account, all of it or nothing, and forget this browser."""
    person = _person()
    if person is None:
        return error_response(404)
    if request.form.get("sure") != "yes":
        return redirect("/account/erasure", code=303)
    try:
        with database().operator() as db:
            erase(db, person.id)
    except NoSuchAccountError:
        return error_response(404)
    session.clear()
    g.person = None
    return make_response(render_template("erased.html"))


def _person() -> CurrentPerson | None:
    """Return who reads the page; a token opens no pages."""
    person = current_person()
    return person if person is not None and person.via == "cookie" else None


def _change(change: Callable[[Session, CurrentPerson], Any], part: str) -> AnyResponse:
    """Change something of this person, and go back to that part of the page."""
    person = _person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as db:
        change(db, person)
    return redirect(f"/account#{part}", code=303)


def _page(
    person: CurrentPerson,
    *,
    new_token: str | None = None,
    new_name: str = "",
    token_problem: str | None = None,
) -> Response:
    language = current_language()
    with database().owner(person.id) as db:
        user = db.get_one(User, person.id)
        stop = db.get(Suppression, user.phone_hash) if user.phone_hash else None
        browsers, tokens = live_sessions(db), live_tokens(db)
    cities = zones(language)
    if user.time_zone not in dict(cities):
        cities = [(user.time_zone, city_of(user.time_zone, language)), *cities]
    page = render_template(
        "account.html",
        user=user,
        masked_phone=masked(user.phone_last_digits or ""),
        texts=settings().sms_provider != "none",
        stop=stop,
        stopped_by_carrier=stop is not None and stop.reason in _BY_CARRIER,
        browsers=browsers,
        this_browser=person.credential,
        tokens=tokens,
        zones=cities,
        new_token=new_token,
        new_name=new_name,
        token_problem=token_problem,
    )
    return make_response(page, 422 if token_problem else 200)
