"""A person's saved searches: the list, and the page of one with its times and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from models import Job, JobStatus, User
from models.occurrence import skipped_while_away
from models.saved_search import SavedSearch, saved_searches
from tasks.registry import kinds
from webapp.auth import current_person
from webapp.db import database
from webapp.pages.ask import new_key
from webapp.pages.asked import asked_of
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response
from webapp.pages.results import photo_of
from webapp.pages.saved_past import Place, Run, past_of, run_of
from webapp.pages.saved_texts import is_told, texts_of
from webapp.pages.saved_times import local_words, times_of
from webapp.pages.saved_words import (
    away_words,
    place_of,
    run_words,
    state_word,
    telling_word,
    when_words,
)

# What a page says once, of what led to it.
_NOTES = ("made", "changed", "resumed", "gone", "unreadable")


@pages_blueprint.get("/saved")
def saved() -> Response:
    """List what this browser's person has saved, newest first."""
    person = current_person()
    cards: list[dict[str, Any]] = []
    searched: list[dict[str, Any]] = []
    zone = ""
    if person is not None:
        with database().owner(person.id) as session:
            user = session.get_one(User, person.id)
            cards, zone = _cards(session, user), user.time_zone
            searched = _searched(session)
    page = render_template(
        "saved/list.html",
        cards=cards,
        searched=searched,
        own_zone=zone,
        own_place=place_of(zone),
        deleted="deleted" in request.args,
        new_key=new_key(),
    )
    return make_response(page)


@pages_blueprint.get("/saved/<uuid:saved_id>")
def saved_search(saved_id: UUID) -> Response:
    """Show one: its times, and what came of those before. Somebody else's is as good as none."""
    person = current_person()
    if person is None:
        return error_response(404)
    place = Place.of_request()
    with database().owner(person.id) as session:
        search = session.get(SavedSearch, saved_id)
        if search is None:
            return error_response(404)
        user, schedule = session.get_one(User, person.id), search.known_schedule
        texts = texts_of(session, user)
        past = past_of(session, user, search, place)
        last = _last_runs(session, user, [search]).get(saved_id)
        notes = {note: note in request.args for note in _NOTES}
        page = render_template(
            "saved/search.html",
            search=search,
            asked_for=asked_about(session, [search])[saved_id],
            photo=photo_about(session, search),
            state=state_word(search),
            telling=telling_word(search.notify),
            texts=texts,
            times=times_of(schedule, user.time_zone) if schedule else None,
            bounds=_bounds(search, user.time_zone),
            own_zone=user.time_zone,
            own_place=place_of(user.time_zone),
            away=away_words(skipped_while_away(session).get(saved_id, 0)),
            # Among what came of it, but for one with many slots skipped after it.
            last=last if place.is_first and not past.shows(last) else None,
            past=past,
            place=place,
            new_key=new_key(),
            notes=notes,
        )
    return make_response(page)


def saved_run(session: Session, job: Job) -> dict[str, Any] | None:
    """Return which saved search a job is a run of, and how it went; None if it is of none.

    It must be for the job's owner alone.
    """
    search = session.get(SavedSearch, job.saved_search_id) if job.saved_search_id else None
    if search is None:
        return None
    told = is_told(texts_of(session, session.get_one(User, job.owner_id)), search)
    is_well = job.status == JobStatus.SUCCEEDED
    return {
        "id": search.id,
        "name": search.name,
        "words": run_words(job, search, is_told=told) if is_well else "",
    }


def kept_fresh(session: Session, job: Job) -> SavedSearch | None:
    """Return the saved search that asks what a job of its person asked, the oldest of more."""
    if job.question_hash is None:
        return None
    same = select(SavedSearch).where(SavedSearch.question_hash == job.question_hash)
    return session.scalar(same.order_by(SavedSearch.id).limit(1))


def asked_about(session: Session, searches: Sequence[SavedSearch]) -> dict[UUID, list[str]]:
    """Return by saved search what it keeps to, in the reader's language."""
    jobs = [Job(id=one.id, kind=one.kind, params=one.params) for one in searches]
    found = asked_of(session, jobs)
    return {one.id: found.get(one.id, []) for one in searches}


def photo_about(session: Session, search: SavedSearch) -> UUID | None:
    """Return the person's own photo that a saved search is about, if it is about one."""
    return photo_of(session, Job(kind=search.kind, params=search.params))


def _cards(session: Session, user: User) -> list[dict[str, Any]]:
    found = saved_searches(session)
    asked, last = asked_about(session, found), _last_runs(session, user, found)
    away, now = skipped_while_away(session), datetime.now(UTC)
    return [
        {
            "search": search,
            "asked_for": asked[search.id],
            "photo": photo_about(session, search),
            "state": state_word(search),
            "when": when_words(search.cron_lines, search.time_zone),
            "away": away_words(away.get(search.id, 0)),
            "next": search.next_slot_at and local_words(search.next_slot_at, user.time_zone, now),
            "last": last.get(search.id),
        }
        for search in found
    ]


def _searched(session: Session) -> list[dict[str, Any]]:
    """Return of each kind the newest search that can be kept fresh and is not yet."""
    kept = select(SavedSearch.question_hash)
    newest = (
        select(Job)
        .ext(distinct_on(Job.kind))
        .where(
            Job.kind.in_(kinds()),
            Job.pruned_at.is_(None),
            Job.expires_at > func.now(),
            or_(Job.question_hash.is_(None), Job.question_hash.not_in(kept)),
        )
        .order_by(Job.kind, Job.id.desc())
    )
    found = session.scalars(newest).all()
    asked = asked_of(session, found)
    return [
        {"job": job, "asked_for": asked.get(job.id, []), "photo": photo_of(session, job)}
        for job in sorted(found, key=lambda job: job.id, reverse=True)
    ]


def _last_runs(session: Session, user: User, searches: Sequence[SavedSearch]) -> dict[UUID, Run]:
    """Return the newest run of each, at one of its times or not."""
    newest = (
        select(Job.id)
        .where(Job.saved_search_id == SavedSearch.id)
        .order_by(Job.id.desc())
        .limit(1)
        .correlate(SavedSearch)
        .scalar_subquery()
    )
    by_id, texts = {search.id: search for search in searches}, texts_of(session, user)
    ids = session.scalars(select(newest).where(SavedSearch.id.in_(by_id))).all()
    runs = {}
    for job in session.scalars(select(Job).where(Job.id.in_(ids))):
        search = by_id.get(job.saved_search_id) if job.saved_search_id else None
        if search is not None:
            runs[search.id] = run_of(job, search, user, told=is_told(texts, search))
    return runs


def _bounds(search: SavedSearch, zone: str) -> dict[str, str | None]:
    """Return when it starts and ends by the person's clock, where that is set."""
    now = datetime.now(UTC)
    return {
        name: None if moment is None else local_words(moment, zone, now)
        for name, moment in (("starts", search.starts_at), ("ends", search.ends_at))
    }
