"""Tokens: listed, made and revoked by programs."""

from __future__ import annotations

from typing import Any

from flask import Response, json
from sqlalchemy import select

from models import ApiToken, User
from models.credentials import MOST_TOKENS, live_tokens, revoke_token
from webapp.auth import require_api_person
from webapp.db import database
from webapp.errors import ProblemError
from webapp.limits import limit_submits
from webapp.resources.api import ACCOUNT, api, problem_response
from webapp.resources.job_json import json_time
from webapp.resources.schemas import NewToken, TokenList, TokenPath, TokenRequest


@api.get("/tokens", tags=[ACCOUNT], operation_id="list_tokens", responses={200: TokenList})
def list_tokens() -> Response:
    """List your tokens, newest first, without those that were revoked."""
    person = require_api_person()
    with database().owner(person.id) as session:
        shown = [_json(token) for token in live_tokens(session)]
    return Response(json.dumps({"tokens": shown}) + "\n", mimetype="application/json")


@api.post(
    "/tokens",
    tags=[ACCOUNT],
    operation_id="make_token",
    security=[{"token": []}],
    responses={
        201: NewToken,
        409: problem_response("too_many_tokens"),
        429: problem_response("too_many_requests"),
    },
)
@limit_submits
def make_token(body: TokenRequest) -> Response:
    """Make a token.

    Its secret is in this answer and nowhere else. It does not outlive the token it was made with:
    when that one is revoked, so is this one.
    """
    person = require_api_person()
    with database().owner(person.id) as session:
        # One at a time, so that the limit holds.
        session.get_one(User, person.id, with_for_update={"key_share": True})
        # Locked, so that it cannot be revoked without this one.
        maker = session.scalar(
            select(ApiToken.id)
            .where(ApiToken.secret_hash == person.credential, ApiToken.revoked_at.is_(None))
            .with_for_update()
        )
        if maker is None:
            raise ProblemError("token_invalid")
        if len(live_tokens(session)) >= MOST_TOKENS:
            raise ProblemError("too_many_tokens", f"You have {MOST_TOKENS}, which is the most.")
        token, secret = ApiToken.issue(session, person.id, body.name, made_by_id=maker)
        session.flush()
        session.refresh(token)  # with the time the database wrote
    return Response(
        json.dumps(_json(token) | {"secret": secret}) + "\n", 201, mimetype="application/json"
    )


@api.delete(
    "/tokens/<token_id>",
    tags=[ACCOUNT],
    operation_id="revoke_token",
    security=[{"token": []}],
    responses={204: None, 404: problem_response("token_not_found")},
)
def revoke(path: TokenPath) -> Response:
    """Revoke a token, with those that were made with it. It may be the one you call with."""
    person = require_api_person()
    with database().owner(person.id) as session:
        if not revoke_token(session, path.token_id):
            raise ProblemError("token_not_found")
    return Response(status=204)


def _json(token: ApiToken) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "made_by_id": str(token.made_by_id) if token.made_by_id else None,
        "created_at": json_time(token.created_at),
        "last_used_at": json_time(token.last_used_at) if token.last_used_at else None,
    }
