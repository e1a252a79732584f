"""What a first request would have to wait for, done before there is one.

It stops the whole process meanwhile: also whoever is to be told of a change there.
"""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import configure_mappers

from webapp.i18n import LANGUAGES
from webapp.pages.photo_ask import PhotoAsk
from webapp.pages.starting import show_form


def warm_up(app: Flask) -> None:
    """Load what pages are made of; connects to nothing, so processes can be forked after it."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    configure_mappers()
    # Catalogs, names of countries, and how numbers are written in each.
    for language in LANGUAGES:
        with app.test_request_context(headers={"Accept-Language": language}):
            show_form("home.html", PhotoAsk.empty(), categories=[])


def greet(app: Flask) -> None:
    """Ask this process for its first page: now it has a connection, and knows its statements.

    Where Postgres is away that is found out within its patience, and the process serves all the
    same.
    """
    app.test_client().get("/")
