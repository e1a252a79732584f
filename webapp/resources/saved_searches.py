"""Saved searches: made, listed, changed, paused, run and deleted by programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, json
from sqlalchemy.orm import Session

from models import Job as JobRow
from models import User
from models.saved_search import (
    PauseReason,
    SavedSearch,
    find_saved_by_idempotency_key,
    saved_searches,
)
from models.schedule import ScheduleError
from tasks.registry import find_kind
from tasks.saved_searches import (
    Saving,
    change,
    check_schedule,
    database_time,
    latest_of,
    run_now,
    save,
)
from tasks.submission import FieldError
from webapp.auth import require_api_person
from webapp.db import database, settings
from webapp.errors import ProblemError, invalid, invalid_field
from webapp.idempotency import REPLAYED_HEADER, IdempotencyKey, once
from webapp.limits import limit_submits
from webapp.resources import saved_search_schemas as schemas
from webapp.resources.answers import answer_submit
from webapp.resources.api import PREFIX, SAVED, api, problem_response
from webapp.resources.job_json import has_expired, json_time
from webapp.resources.jobs import no_such_job
from webapp.resources.schemas import Job, JobAlreadyRunning, KeyHeader
from webapp.saved_searches import with_saved_search
from webapp.schedules import SLOTS_AHEAD, field_in, read_schedule, schedule_json, slots_json

_NOT_FOUND = problem_response("saved_search_not_found")


@api.post(
    "/saved-searches",
    tags=[SAVED],
    operation_id="save_search",
    security=[{"token": []}],
    responses={
        201: schemas.SavedSearch,
        404: problem_response("job_not_found"),
        409: problem_response("too_many_saved_searches"),
        410: problem_response("job_expired"),
        422: problem_response(
            "invalid_request", "unknown_kind", "phone_not_verified", "texts_off", "texts_stopped",
            "idempotency_key_reused",
        ),
        429: problem_response("too_many_requests"),
    },
)  # fmt: skip
@limit_submits
def save_search(header: KeyHeader, body: schemas.SavedSearchRequest) -> Response:
    """Save a search.

    Its first run sets what is known; from then on only what is new is told. With neither times nor
    cron lines it runs at the times this server suggests.
    """
    person = require_api_person()
    key = IdempotencyKey.check(
        header.idempotency_key,
        "POST /saved-searches",
        body.model_dump(mode="json", exclude_defaults=True),
    )

    def make(session: Session) -> SavedSearch:
        user = session.get_one(User, person.id)
        kind, params = _question(session, body)
        saving = Saving(
            kind=kind,
            params=params,
            schedule=read_schedule(body.schedule, settings(), user.time_zone),
            name=body.name,
            notify=body.notify,
            locale=body.locale or ("ko" if user.locale == "ko" else "en"),
            overlap=body.overlap,
            missed=body.missed,
            missed_limit_seconds=body.missed_limit_seconds,
            idempotency_key=key.key if key else None,
            request_hash=key.request_hash if key else None,
        )
        return save(session, settings(), person.id, saving)

    def show(session: Session, search: SavedSearch) -> dict[str, Any]:
        session.refresh(search)  # with the times the database wrote
        return saved_search_json(search)

    shown, is_replay = once(
        person.id, key, find=find_saved_by_idempotency_key, make=make, show=show
    )
    response = _answer(shown, 201)
    response.headers["Location"] = shown["links"]["self"]
    if is_replay:
        response.headers[REPLAYED_HEADER] = "true"
    return response


@api.get(
    "/saved-searches",
    tags=[SAVED],
    operation_id="list_saved_searches",
    responses={200: schemas.SavedSearchList},
)
def list_saved_searches() -> Response:
    """List your saved searches, newest first."""
    person = require_api_person()
    with database().owner(person.id) as session:
        shown = [saved_search_json(search) for search in saved_searches(session)]
    return _answer({"saved_searches": shown})


@api.get(
    "/saved-searches/<saved_search_id>",
    tags=[SAVED],
    operation_id="read_saved_search",
    responses={200: schemas.SavedSearch, 404: _NOT_FOUND},
)
def read_saved_search(path: schemas.SavedSearchPath) -> Response:
    """Read a saved search, with its next five times."""
    person = require_api_person()
    with database().owner(person.id) as session:
        return _answer(saved_search_json(_find(session, path.saved_search_id)))


@api.patch(
    "/saved-searches/<saved_search_id>",
    tags=[SAVED],
    operation_id="change_saved_search",
    security=[{"token": []}],
    responses={200: schemas.SavedSearch, 404: _NOT_FOUND},
)
def change_saved_search(path: schemas.SavedSearchPath, body: schemas.SavedSearchChange) -> Response:
    """Change a saved search; what it asks stays. A schedule is replaced as a whole."""
    return _changed(path.saved_search_id, lambda session, search: _change(session, search, body))


@api.delete(
    "/saved-searches/<saved_search_id>",
    tags=[SAVED],
    operation_id="delete_saved_search",
    security=[{"token": []}],
    responses={204: None, 404: _NOT_FOUND},
)
def delete_saved_search(path: schemas.SavedSearchPath) -> Response:
    """Delete a saved search, with the record of its slots. Jobs it made stay, and go on."""
    person = require_api_person()
    with database().owner(person.id) as session:
        session.delete(_find(session, path.saved_search_id))
    return Response(status=204)


@api.put(
    "/saved-searches/<saved_search_id>/pause",
    tags=[SAVED],
    operation_id="pause_saved_search",
    security=[{"token": []}],
    responses={200: schemas.SavedSearch, 404: _NOT_FOUND},
)
def pause_saved_search(path: schemas.SavedSearchPath) -> Response:
    """Pause a saved search. Slots that come while it rests are not made up for."""
    return _changed(path.saved_search_id, lambda _, search: search.pause(PauseReason.PERSON))


@api.delete(
    "/saved-searches/<saved_search_id>/pause",
    tags=[SAVED],
    operation_id="resume_saved_search",
    security=[{"token": []}],
    responses={200: schemas.SavedSearch, 404: _NOT_FOUND},
)
def resume_saved_search(path: schemas.SavedSearchPath) -> Response:
    """End the pause of a saved search: it runs again from its next slot on."""
    return _changed(path.saved_search_id, _resume)


@api.post(
    "/saved-searches/<saved_search_id>/runs",
    tags=[SAVED],
    operation_id="run_saved_search",
    security=[{"token": []}],
    responses={
        200: JobAlreadyRunning,
        202: Job,
        404: _NOT_FOUND,
        422: problem_response("invalid_request", "unknown_kind", "idempotency_key_reused"),
        429: problem_response("too_many_requests"),
    },
)
@limit_submits
def run_saved_search(path: schemas.SavedSearchPath, header: KeyHeader) -> Response:
    """Run a saved search now. What is new in it is marked, as in a run at one of its times."""
    person = require_api_person()
    key = IdempotencyKey.check(
        header.idempotency_key, f"POST /saved-searches/{path.saved_search_id}/runs", {}
    )

    def make(session: Session) -> JobRow:
        return run_now(
            session,
            settings(),
            _find(session, path.saved_search_id),
            idempotency_key=key.key if key else None,
            request_hash=key.request_hash if key else None,
        )

    return answer_submit(person, key, make)


@api.post(
    "/schedule-previews",
    tags=[SAVED],
    operation_id="preview_schedule",
    security=[{"token": []}],
    responses={200: schemas.SchedulePreview, 429: problem_response("too_many_requests")},
)
@limit_submits
def preview_schedule(body: schemas.ScheduleRequest) -> Response:
    """Show what a schedule means before anything is saved, with the changes of its clock."""
    person = require_api_person()
    with database().owner(person.id) as session:
        time_zone = session.get_one(User, person.id).time_zone
    try:
        schedule = read_schedule(body, settings(), time_zone)
        check_schedule(settings(), schedule)
    except ScheduleError as error:
        raise invalid_field(field_in(body, error), str(error)) from None
    now = datetime.now(UTC)
    return _answer(
        {
            "schedule": schedule_json(schedule),
            "next_slots": slots_json(schedule, now),
            "clock_changes": [
                {
                    "at": json_time(one.at),
                    "minutes": round((one.offset_after - one.offset_before).total_seconds() / 60),
                }
                for one in schedule.clock_changes(now, SLOTS_AHEAD)
            ],
        }
    )


def saved_search_json(search: SavedSearch) -> dict[str, Any]:
    """Return a saved search's JSON."""
    at = f"{PREFIX}/saved-searches/{search.id}"
    schedule = search.known_schedule
    ahead = [] if schedule is None or search.is_paused else slots_json(schedule, datetime.now(UTC))
    return {
        "id": str(search.id),
        "name": search.name,
        "kind": search.kind,
        "params": search.params,
        "schedule": schedule_json(search),
        "next_slots": ahead,
        "notify": search.notify,
        "overlap": search.overlap,
        "missed": search.missed,
        "missed_limit_seconds": search.missed_limit_seconds,
        "locale": search.locale,
        "paused": None
        if search.paused_at is None
        else {"since": json_time(search.paused_at), "reason": search.pause_reason},
        "failures_in_a_row": search.failures_in_a_row,
        "baseline_at": json_time(search.baseline_at),
        "links": {
            "self": at,
            "occurrences": f"{at}/occurrences",
            "page": f"/saved/{search.id}",
        },
        "created_at": json_time(search.created_at),
        "updated_at": json_time(search.updated_at),
    }


def _question(session: Session, body: schemas.SavedSearchRequest) -> tuple[str, dict[str, Any]]:
    """Return what the search asks: as written out, or as a job of this person asked it."""
    if (body.job_id is None) == (body.kind is None):
        raise invalid([FieldError("kind", "Give a job_id, or a kind, and not both.")])
    if body.job_id is not None:
        if body.params is not None:
            raise invalid([FieldError("params", "With a job_id its own params are kept.")])
        job = session.get(JobRow, body.job_id)
        if job is None:
            raise no_such_job(body.job_id)
        if has_expired(job):
            raise ProblemError(
                "job_expired", f"What it asked was kept until {job.expires_at:%Y-%m-%d}."
            )
        return job.kind, job.params
    assert body.kind is not None  # noqa: S101 - one of both
    find_kind(body.kind)
    if body.params is not None:
        return body.kind, body.params
    latest = latest_of(session, body.kind)
    if latest is None:
        raise invalid([FieldError("params", f"You have no search of kind {body.kind}; give them.")])
    return latest.kind, latest.params


def _change(session: Session, search: SavedSearch, body: schemas.SavedSearchChange) -> None:
    schedule = None
    if body.schedule is not None:
        user = session.get_one(User, search.owner_id)
        schedule = read_schedule(body.schedule, settings(), user.time_zone)
    columns = {
        name: getattr(body, name)
        for name in ("name", "notify", "overlap", "missed", "missed_limit_seconds", "locale")
        if getattr(body, name) is not None
    }
    change(session, settings(), search, schedule=schedule, **columns)


def _changed(saved_search_id: UUID, act: Callable[[Session, SavedSearch], None]) -> Response:
    person = require_api_person()

    def do(session: Session, search: SavedSearch) -> dict[str, Any]:
        act(session, search)
        session.flush()
        session.refresh(search)  # with the times the database wrote
        return saved_search_json(search)

    shown = with_saved_search(person.id, saved_search_id, do)
    if shown is None:
        raise _no_such_search(saved_search_id)
    return _answer(shown)


def _resume(session: Session, search: SavedSearch) -> None:
    if search.is_paused:
        search.resume(database_time(session))


def _no_such_search(saved_search_id: UUID) -> ProblemError:
    return ProblemError("saved_search_not_found", f"You have no saved search {saved_search_id}.")


def _find(session: Session, saved_search_id: UUID) -> SavedSearch:
    search = session.get(SavedSearch, saved_search_id)
    if search is None:
        raise _no_such_search(saved_search_id)
    return search


def _answer(value: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value) + "\n", status, mimetype="application/json")
