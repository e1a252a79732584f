"""The blueprint all pages hang on, and what their templates may use."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState

from webapp.db import settings
from webapp.errors import set_error_page
from webapp.i18n import init_i18n
from webapp.pages.errors import error_page
from webapp.pages.templating import init_templates

pages_blueprint = Blueprint("pages", __name__)

# A file asked for by its hash never changes.
_FOR_EVER = "public, max-age=31536000, immutable"


@pages_blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    app = cast(Flask, state.app)
    with app.app_context():
        init_i18n(app, settings())
    init_templates(app)
    set_error_page(app, error_page)


@pages_blueprint.after_app_request
def _cache(response: Response) -> Response:
    """Files by hash are kept for ever; a person's pages never, not even by the browser."""
    if request.endpoint == "static":
        if "v" in request.args and response.status_code == 200:
            response.headers["Cache-Control"] = _FOR_EVER
    elif response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
