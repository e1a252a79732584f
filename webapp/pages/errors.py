"""Errors as people read them: a page with what happened and what to do next."""

from __future__ import annotations

from flask import Response, make_response, render_template

from webapp.errors import ProblemError
from webapp.pages.words import http_error


def error_page(error: ProblemError) -> Response:
    """Return the page for a problem; `webapp.errors` asks for it wherever people read."""
    response = error_response(error.problem.status)
    response.headers.update(error.headers)
    return response


def error_response(status: int) -> Response:
    """Return the page for an HTTP status. It tells nothing that the status does not."""
    headline, sentence = http_error(status)
    page = render_template("error.html", status=status, headline=headline, sentence=sentence)
    return make_response(page, status)
