"""Every address for programs, put into one application."""

from __future__ import annotations

from flask_openapi3.openapi import OpenAPI

# Each of these adds its routes to the one blueprint when it is imported.
from webapp.resources import (
    accounts,
    cancellations,
    crons,
    deletions,
    events,
    jobs,
    kinds,
    occurrences,
    openapi,
    phone_verifications,
    reruns,
    results,
    saved_searches,
    sessions,
    timelines,
    tokens,
    uploads,
)
from webapp.resources.api import api
from webapp.resources.health import health
from webapp.resources.openapi import init_openapi
from webapp.resources.pictures import pictures

__all__ = [
    "accounts",
    "cancellations",
    "crons",
    "deletions",
    "events",
    "jobs",
    "kinds",
    "occurrences",
    "openapi",
    "phone_verifications",
    "register_resources",
    "reruns",
    "results",
    "saved_searches",
    "sessions",
    "timelines",
    "tokens",
    "uploads",
]


def register_resources(app: OpenAPI) -> None:
    """Add every address for programs, and the document that describes them."""
    app.register_api(api)
    app.register_blueprint(health)
    app.register_blueprint(pictures)
    init_openapi(app)
