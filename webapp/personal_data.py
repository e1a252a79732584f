"""Everything about a person as an answer: a stream that ends when they stop reading."""

from __future__ import annotations

from uuid import UUID

from flask import Response, stream_with_context

from models.exporting import export
from webapp.db import database, settings

FILE_NAME = "textback-account.json"


def download(account_id: UUID) -> Response:
    """Return the export as a file to keep."""
    pieces = export(database(), settings(), account_id)
    response = Response(stream_with_context(pieces), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    response.headers["Cache-Control"] = "no-store"
    return response
