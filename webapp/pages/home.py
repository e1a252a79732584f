"""The first page: a photo goes in, a job comes out."""

from __future__ import annotations

from flask import Response, request
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from models import ProductCategory
from webapp.auth import prepare_account
from webapp.db import database
from webapp.limits import limit_submits
from webapp.pages.ask import Ask
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.photo_ask import PhotoAsk
from webapp.pages.starting import show_form, take_in


@pages_blueprint.get("/")
def home() -> Response:
    """Ask for a photo."""
    prepare_account()
    return _form(PhotoAsk.empty())


@pages_blueprint.post("/")
@limit_submits
def ask() -> AnyResponse:
    """Take the form in; all that is wrong with it is said at once."""
    return take_in(PhotoAsk.read(request), _form)


def _form(form: Ask) -> Response:
    with database().gate(b"") as session:
        categories = list(session.scalars(select(ProductCategory)))
    return show_form("home.html", form, categories=categories)
