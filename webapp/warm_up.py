"""What a first request would have to wait for, done before there is one.

It stops the whole process meanwhile: also whoever is to be told of a change there.
"""

from __future__ import annotations

import logging
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import configure_mappers

from models import ApiToken, BrowserSession, User
from models.job import count_active
from tasks.registry import kinds
from webapp.auth import live_credentials
from webapp.db import database
from webapp.i18n import LANGUAGES
from webapp.pages.photo_ask import PhotoAsk
from webapp.pages.starting import show_form
from webapp.resources.job_json import read_view

log = logging.getLogger(__name__)

NOBODY = UUID(int=0)


def warm_up(app: Flask) -> None:
    """Load what pages are made of; connects to nothing, so processes can be forked after it."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    configure_mappers()
    kinds()
    # Catalogs, names of countries, and how numbers are written in each.
    for language in LANGUAGES:
        with app.test_request_context(headers={"Accept-Language": language}):
            show_form("home.html", PhotoAsk.empty(), categories=[])


def greet(app: Flask) -> None:
    """Let this process connect, and learn the statements of those who come first after a restart:
    pages that were open, which look again, and whoever opens one.

    Where Postgres is away that is found out within its patience, and whatever goes wrong, the
    process serves all the same: one that does not start ends those beside it, too.
    """
    try:
        _greet(app)
    except Exception as error:  # noqa: BLE001 - also a table that a restore has not made yet
        log.warning("process not warmed up: %s", type(error).__name__)


def _greet(app: Flask) -> None:
    app.test_client().get("/")
    with app.app_context():
        with database().gate(b"") as session:
            BrowserSession.find(session, b"")
            ApiToken.find(session, b"")
        with database().owner(NOBODY) as session:
            read_view(session, NOBODY)
            live_credentials(session, {b""})
            count_active(session, NOBODY)
            session.get(User, NOBODY)
