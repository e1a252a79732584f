"""A stream for every open page: something of yours has begun or ended, look again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from flask import Response, request

from models import Database
from models.job import count_active
from webapp.auth import CurrentPerson, current_person, live_credentials
from webapp.db import DATABASE_AWAY, database
from webapp.live import hub
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.people import Listener
from webapp.streams import PING, PING_SECONDS, retry, stream_response

# Somebody's hundred jobs that end at once are a few looks, not a hundred.
_LEAST_GAP_SECONDS = 0.25


@pages_blueprint.get("/jobs/changes")
def changes() -> Response:
    """Follow that something changes; an event carries nothing but that.

    The first one comes at once where the number that the page shows, `?active=`, is not true.
    """
    person = current_person()
    if person is None:
        return error_response(404)
    listener = hub().listen(person.id)
    try:
        with database().owner(person.id) as session:
            is_old = request.args.get("active") != str(count_active(session, person.id))
    except BaseException:
        listener.close()
        raise
    return stream_response(_follow(listener, person, database(), is_old=is_old), listener.close)


def _follow(
    listener: Listener, person: CurrentPerson, database: Database, *, is_old: bool
) -> Iterator[bytes]:
    with closing(listener):
        yield retry() + b"\n"
        if is_old:
            yield b"data: changed\n\n"
        while True:
            is_told = listener.wait(PING_SECONDS)
            if listener.is_over:
                return
            if not is_told:
                yield PING
                continue
            if not _may_hear(database, person):
                return
            yield b"data: changed\n\n"
            time.sleep(_LEAST_GAP_SECONDS)


def _may_hear(database: Database, person: CurrentPerson) -> bool:
    """Whether this browser is still this person's. Where nobody can tell, it asks again."""
    try:
        with database.owner(person.id) as session:
            return bool(live_credentials(session, {person.credential}))
    except DATABASE_AWAY:
        return False
