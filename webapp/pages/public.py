"""What the link of a text opens: one ended job, for whoever holds the link, and nothing else."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from sqlalchemy import func, select, update
from sqlalchemy.orm import undefer

from models import Job, ResultLink
from models.result_link import hash_token
from webapp.db import database
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.results import result_view

# The address is the secret: it goes to no other site, no search engine and no cache.
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}


@pages_blueprint.get("/r/<path:token>")
def result(token: str) -> Response:
    """Show the answer, or why there is none.

    Unknown, expired, revoked and malformed links all take this same way: one look-up by a hash
    that finds no row. Opening is counted and uses nothing up, for previews of links open them too.
    """
    return _open(token) or error_response(404)


@pages_blueprint.after_app_request
def _keep_the_secret(response: Response) -> Response:
    """Also where no view has answered: errors, limits, the way to another language."""
    if request.path.startswith("/r/"):
        response.headers.update(_HEADERS)
        if request.path.endswith("/stop"):
            # Its form has to say where it comes from; the link goes to nobody but us all the same.
            response.headers["Referrer-Policy"] = "same-origin"
    return response


def _open(token: str) -> Response | None:
    presented = hash_token(token)
    with database().gate(presented) as session:
        link = session.scalar(select(ResultLink).where(ResultLink.token_hash == presented))
        if link is None:
            return None
        job = session.scalar(select(Job).where(Job.id == link.job_id).options(undefer(Job.result)))
        if job is None:
            return None
        session.execute(
            update(ResultLink)
            .where(ResultLink.id == link.id)
            .values(opens=ResultLink.opens + 1, opened_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )
        view = result_view(session, job)
    stop = f"/r/{token}/stop" if link.purpose == "text" else None
    return make_response(render_template("public.html", job=job, stop=stop, **view))
