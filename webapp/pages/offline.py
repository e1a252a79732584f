"""What a browser keeps to show while there is no connection: a page, and the script for it."""

from __future__ import annotations

import hashlib

from flask import Response, g, make_response, render_template, url_for
from flask_babel import force_locale

from webapp.i18n import LANGUAGES
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.templating import asset

# All that the page is made of.
_FILES = (
    "css/app.css",
    "css/hangul.css",
    "img/mark.svg",
    "js/away.js",
    "js/times.js",
    "vendor/pico/pico.min.css",
)


@pages_blueprint.get("/offline/<language>")
def offline(language: str) -> Response:
    """Say that there is no connection, in this language."""
    if language not in LANGUAGES:
        return error_response(404)
    g.language = language
    with force_locale(language):
        return make_response(render_template("offline.html"))


@pages_blueprint.get("/service-worker.js")
def service_worker() -> Response:
    """Give the script; it lies at the top, for it may serve nothing above itself."""
    files = [asset(name) for name in _FILES]
    pages = {code: url_for("pages.offline", language=code) for code in LANGUAGES}
    drawn = "".join(map(_drawn, pages)) + "".join(files)
    script = render_template(
        "service-worker.js",
        version=hashlib.sha256(drawn.encode()).hexdigest()[:12],
        files=files,
        pages=pages,
    )
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _drawn(language: str) -> str:
    """Return the page, so that a change of its words makes browsers fetch it anew."""
    return offline(language).get_data(as_text=True)
