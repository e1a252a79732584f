"""Errors as people read them: a page with what happened and what to do next."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from webapp.errors import ProblemError
from webapp.pages.words import http_error


def error_page(error: ProblemError) -> Response:
    """Return the page for a problem; `webapp.errors` asks for it wherever people read."""
    retry_seconds = error.headers.get("Retry-After") if error.problem.status == 503 else None
    response = error_response(error.problem.status, retry_seconds)
    response.headers.update(error.headers)
    return response


def error_response(status: int, retry_seconds: str | None = None) -> Response:
    """Return the page for an HTTP status. It tells nothing that the status does not.

    Args:
        status: of the answer.
        retry_seconds: when it is worth asking again, if it is.
    """
    headline, sentence = http_error(status)
    page = render_template(
        "error.html",
        status=status,
        headline=headline,
        sentence=sentence,
        retry_seconds=retry_seconds,
        was_form=request.method == "POST",
        here=request.path,
    )
    return make_response(page, status)
