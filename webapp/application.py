"""Puts the web application together."""

from __future__ import annotations

from flask import Flask
from flask_openapi3.models.server import Server
from flask_openapi3.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from models import Settings
from webapp.auth import COOKIE_LIFETIME
from webapp.compression import init_compression
from webapp.db import init_database
from webapp.docs import docs_blueprint
from webapp.errors import init_errors
from webapp.headers import init_headers
from webapp.hooks.sms import hooks
from webapp.limits import init_limits
from webapp.live import init_live
from webapp.operator import operator_blueprint
from webapp.origin import init_origin
from webapp.pages import pages_blueprint
from webapp.resources.bodies import FORM_BYTES, JsonRequest
from webapp.resources.openapi import SECURITY_SCHEMES, api_info
from webapp.resources.routes import register_resources
from webapp.resources.schemas import Problem

COOKIE_NAME = "textback"


def build_application(settings: Settings) -> Flask:
    """Return an application with its own pool, hub and counters; it connects to nothing yet."""
    app = OpenAPI(
        "webapp",
        info=api_info(),
        security_schemes=SECURITY_SCHEMES,
        servers=[Server(url=settings.base_url)],
        validation_error_model=Problem,
        validation_error_callback=_refuse,
        doc_ui=False,
    )
    app.request_class = JsonRequest
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SESSION_COOKIE_NAME=COOKIE_NAME,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=COOKIE_LIFETIME,
        MAX_UPLOAD_BYTES=settings.max_upload_bytes,
        MAX_CONTENT_LENGTH=settings.max_upload_bytes + FORM_BYTES,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    database = init_database(app, settings)
    init_errors(app)
    init_headers(app, settings)
    init_compression(app)
    init_origin(app, settings)
    init_limits(app, settings)
    init_live(app, database, settings)
    register_resources(app)
    app.register_blueprint(hooks)
    app.register_blueprint(docs_blueprint)
    app.register_blueprint(pages_blueprint)
    app.register_blueprint(operator_blueprint)
    return app


def _refuse(error: Exception) -> object:
    """Raise what our own table answers; flask-openapi3 would answer in a shape of its own."""
    from pydantic import ValidationError

    from webapp.errors import of_validation
    from webapp.resources import saved_search_schemas, schemas

    assert isinstance(error, ValidationError)  # noqa: S101 - what it promises
    # Its title is the name of the model, which is one of ours.
    models = vars(schemas) | vars(saved_search_schemas)
    raise of_validation(error, models.get(error.title))
