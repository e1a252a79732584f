"""The door for a cron outside: it says that time has passed, and knows nothing of workers."""

from __future__ import annotations

import hmac
import logging

from flask import Response, json, request
from limits import RateLimitItemPerMinute

from models import Settings
from tasks.enqueueing import enqueue_due
from webapp.db import database, settings
from webapp.errors import ProblemError
from webapp.limits import limit_calls
from webapp.resources.api import SAVED, api, problem_response
from webapp.resources.saved_search_schemas import CronRun

log = logging.getLogger(__name__)

# A request waits no longer than this; what is left then is for the next, or for a sweep.
RUN_SECONDS = 2.0
_CALLS = RateLimitItemPerMinute(12)
_WRONG_CALLS = RateLimitItemPerMinute(5)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Textback cron"'}


@api.post(
    "/cron/saved-searches",
    tags=[SAVED],
    operation_id="enqueue_saved_searches",
    security=[{"cron": []}],
    responses={
        200: CronRun,
        401: problem_response("cron_secret_missing", "cron_secret_wrong"),
        403: problem_response("cron_off"),
        429: problem_response("too_many_requests"),
    },
)
def enqueue_saved_searches() -> Response:
    """Have every saved search run whose time has come.

    For a cron outside, beside the sweeps that do the same every few seconds: called twice, or by
    several at once, each slot still runs once. It answers when the jobs are written down, at most
    two seconds later; `done` tells whether anything is left.
    """
    _check_secret(settings())
    done = enqueue_due(database(), settings(), seconds=RUN_SECONDS)
    log.info("cron called enqueued=%s skipped=%s", done.enqueued, done.skipped)
    body = {
        "due": done.searches,
        "enqueued": done.enqueued,
        "skipped": done.skipped,
        "done": done.is_done,
    }
    return Response(json.dumps(body) + "\n", mimetype="application/json")


def _check_secret(current: Settings) -> None:
    """Let nobody pass without a secret that is valid now.

    Raises:
        ProblemError: there is none on this server, none or a wrong one was sent, or too often.
    """
    valid = current.cron_secrets
    if not valid:
        raise ProblemError("cron_off")
    address = request.remote_addr or "unknown"
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    presented = given.strip().encode(errors="replace") if scheme.lower() == "bearer" else b""
    # Each is compared in any case, so that no time tells which one it was.
    matches = [hmac.compare_digest(presented, secret.encode()) for secret in valid]
    if any(matches):
        limit_calls(_CALLS, "cron")
        return
    limit_calls(_WRONG_CALLS, "cron-wrong", address)
    code = "cron_secret_wrong" if presented else "cron_secret_missing"
    log.warning("cron refused code=%s", code)
    raise ProblemError(code, headers=_CHALLENGE)
