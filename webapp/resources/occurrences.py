"""What came of a saved search's slots."""

from __future__ import annotations

from typing import Any

from flask import Response, json

from models.occurrence import Occurrence, occurrences_page
from models.saved_search import SavedSearch
from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError
from webapp.resources.api import PREFIX, SAVED, api, problem_response
from webapp.resources.job_json import job_links, json_time
from webapp.resources.saved_search_schemas import (
    OccurrenceList,
    OccurrenceQuery,
    SavedSearchPath,
)


@api.get(
    "/saved-searches/<saved_search_id>/occurrences",
    tags=[SAVED],
    operation_id="list_occurrences",
    responses={200: OccurrenceList, 404: problem_response("saved_search_not_found")},
)
def list_occurrences(path: SavedSearchPath, query: OccurrenceQuery) -> Response:
    """List the slots that have come, newest first: the job each became, or why it became none."""
    person = require_api_person()
    with database().owner(person.id) as session:
        if session.get(SavedSearch, path.saved_search_id) is None:
            raise ProblemError("saved_search_not_found")
        rows = occurrences_page(
            session, path.saved_search_id, limit=query.limit + 1, before=query.before
        )
    shown = rows[: query.limit]
    further = None
    if len(rows) > query.limit:
        at = f"{PREFIX}/saved-searches/{path.saved_search_id}/occurrences"
        further = f"{at}?limit={query.limit}&before={shown[-1].id}"
    body = {"occurrences": [_json(row) for row in shown], "next": further}
    return Response(json.dumps(body) + "\n", mimetype="application/json")


def _json(row: Occurrence) -> dict[str, Any]:
    return {
        "local": row.slot_local.isoformat(timespec="minutes"),
        "cron_line": row.cron_line,
        "due_at": json_time(row.due_at),
        "decided_at": json_time(row.decided_at),
        "late_seconds": round(row.late.total_seconds(), 3),
        "job_id": None if row.job_id is None else str(row.job_id),
        "links": None if row.job_id is None else job_links(row.job_id),
        "skipped": row.skipped,
    }
