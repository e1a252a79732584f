"""No more texts: by the page behind a text's own link, and back again by the account."""

from __future__ import annotations

from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from models import ResultLink, User
from models.result_link import hash_token
from models.suppression import SuppressionReason, allow, is_suppressed, suppress
from webapp.auth import current_person
from webapp.db import database
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.templating import masked


@pages_blueprint.get("/r/<token>/stop")
def ask_to_stop(token: str) -> Response:
    """Ask once more; opening this changes nothing, as previews of links open everything."""
    return _page(token, stop=False)


@pages_blueprint.post("/r/<token>/stop")
def stop_texts(token: str) -> Response:
    """Send no more texts to the number this link was texted to."""
    return _page(token, stop=True)


@pages_blueprint.post("/texts/on")
def texts_on() -> AnyResponse:
    """Send texts to this person's number again."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        user = session.get_one(User, person.id)
        if user.phone_hash is not None:
            allow(session, user.phone_hash)
    job_id = request.form.get("job", type=UUID)
    return redirect(f"/jobs/{job_id}" if job_id else "/", code=303)


def _page(token: str, *, stop: bool) -> Response:
    """Answer for a live link that was texted; every other is as unknown as ever."""
    presented = hash_token(token)
    with database().gate(presented) as session:
        row = session.execute(
            select(User.phone_hash, User.phone_last_digits)
            .join(ResultLink, ResultLink.owner_id == User.id)
            .where(ResultLink.token_hash == presented, ResultLink.purpose == "text")
        ).one_or_none()
    if row is None or row.phone_hash is None:
        return error_response(404)
    with database().gate(row.phone_hash) as session:
        if stop:
            suppress(session, row.phone_hash, SuppressionReason.LINK)
        is_stopped = is_suppressed(session, row.phone_hash)
    page = render_template(
        "stop.html", stopped=is_stopped, number=masked(row.phone_last_digits or ""), token=token
    )
    return make_response(page)
