"""A result as a file to keep."""

from __future__ import annotations

import json
from uuid import UUID

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import undefer

from models import Job
from webapp.auth import current_person
from webapp.db import database
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.results import has_result
from webapp.tables import table_of, to_csv


@pages_blueprint.get("/jobs/<uuid:job_id>/result.<form>")
def download_result(job_id: UUID, form: str) -> Response:
    """Give somebody what their search found: all of it as JSON, or its list as CSV."""
    person = current_person()
    if person is None or form not in ("json", "csv"):
        return error_response(404)
    with database().owner(person.id) as session:
        job = session.scalar(select(Job).where(Job.id == job_id).options(undefer(Job.result)))
        if job is None or not has_result(job) or job.result is None:
            return error_response(404)
        result, count = job.result, job.result_count
        name = f"textback-{job.created_at:%Y-%m-%d}-{job.kind}.{form}"
    if form == "csv":
        rows = table_of(result, count)
        if rows is None:
            return error_response(404)
        response = Response(to_csv(rows), mimetype="text/csv")
    else:
        text = json.dumps(result, ensure_ascii=False, indent=2) + "\n"
        response = Response(text, mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
