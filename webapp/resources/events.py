"""A job's changes as server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from flask import Response, request

from webapp.auth import require_api_person
from webapp.live import hub
from webapp.outlet import OUTLET, OpenOutlet
from webapp.resources.api import JOBS, api, problem_response
from webapp.resources.jobs import find_view
from webapp.resources.schemas import JobPath
from webapp.snapshot import Snapshot
from webapp.streams import PING, PING_SECONDS, retry, stream_response
from webapp.watcher import WatchEndedError, Watcher


@api.get(
    "/jobs/<job_id>/events",
    tags=[JOBS],
    operation_id="follow_job",
    responses={
        200: {
            "description": "Events whose `data` is the job's JSON and whose `id` is its `version`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The job has ended and Last-Event-ID is its end: do not reconnect."},
        404: problem_response("job_not_found"),
        429: problem_response("too_many_requests"),
        503: problem_response("too_many_streams", "database_unavailable"),
    },
)
def follow_job(path: JobPath) -> Response:
    """Follow a job as server-sent events.

    The first event is the job as it stands, each further one the job after a change, never a
    difference: nothing has to be put together, and after a reconnect one event is all there is to
    catch up with. The stream ends after the event of a job that has ended. A line `: ping` comes
    every 15 seconds.
    """
    person = require_api_person()
    # The watch begins before the first read, so that no change falls between them.
    watcher = hub().watch(path.job_id, person)
    try:
        first = Snapshot.of(find_view(person, path.job_id))
    except BaseException:
        watcher.close()
        raise
    watcher.saw(first)
    if first.is_final and request.headers.get("Last-Event-ID") == str(first.version):
        watcher.close()
        return Response(status=204)
    pieces = _follow(watcher, first, request.environ.get(OUTLET))
    return stream_response(pieces, watcher.close)


def _follow(watcher: Watcher, first: Snapshot, open_outlet: OpenOutlet | None) -> Iterator[bytes]:
    with closing(watcher):
        yield retry() + first.frame
        if first.is_final:
            return
        if open_outlet is not None:
            watcher.go_past_us(open_outlet())
        while True:
            try:
                snapshot = watcher.next(PING_SECONDS)
            except WatchEndedError:
                return
            if snapshot is None:
                yield PING
            elif watcher.is_news(snapshot):
                yield snapshot.frame
                if snapshot.is_final:
                    return
