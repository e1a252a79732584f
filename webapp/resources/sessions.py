"""Sessions: the browsers of an account, listed and signed out by programs."""

from __future__ import annotations

from flask import Response, json

from models.credentials import end_session, end_sessions, live_sessions
from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError
from webapp.resources.api import ACCOUNT, api, problem_response
from webapp.resources.job_json import json_time
from webapp.resources.schemas import SessionList, SessionPath


@api.get("/sessions", tags=[ACCOUNT], operation_id="list_sessions", responses={200: SessionList})
def list_sessions() -> Response:
    """List the browsers that are signed in to your account, the last used first."""
    person = require_api_person()
    with database().owner(person.id) as session:
        shown = [
            {
                "id": str(one.id),
                "device": one.device,
                "created_at": json_time(one.created_at),
                "last_used_at": json_time(one.last_used_at),
            }
            for one in live_sessions(session)
        ]
    return Response(json.dumps({"sessions": shown}) + "\n", mimetype="application/json")


@api.delete(
    "/sessions/<session_id>",
    tags=[ACCOUNT],
    operation_id="end_session",
    security=[{"token": []}],
    responses={204: None, 404: problem_response("session_not_found")},
)
def end_one(path: SessionPath) -> Response:
    """Sign one browser out. An account without a number has no other way back in."""
    person = require_api_person()
    with database().owner(person.id) as session:
        if not end_session(session, path.session_id):
            raise ProblemError("session_not_found")
    return Response(status=204)


@api.delete(
    "/sessions",
    tags=[ACCOUNT],
    operation_id="end_sessions",
    security=[{"token": []}],
    responses={204: None},
)
def end_all() -> Response:
    """Sign every browser out. Tokens go on."""
    person = require_api_person()
    with database().owner(person.id) as session:
        end_sessions(session)
    return Response(status=204)
