"""The forms of all kinds but search by photo: one made for postings, the others from a schema."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from models import Job
from tasks.registry import JobKind, kinds
from webapp.auth import current_person, prepare_account
from webapp.db import database
from webapp.limits import limit_submits
from webapp.pages.ask import Ask
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.choosing import IMAGE_SEARCH, POSTING_SEARCH
from webapp.pages.errors import error_response
from webapp.pages.posting_ask import PostingAsk
from webapp.pages.posting_form import posting_choices
from webapp.pages.schema_ask import SchemaAsk
from webapp.pages.starting import show_form, take_in


@pages_blueprint.get("/search/<kind>")
def search(kind: str) -> AnyResponse:
    """Ask for what a search of this kind needs; `?like=` fills it in as an earlier one asked."""
    known = kinds().get(kind)
    if known is None:
        return error_response(404)
    if kind == IMAGE_SEARCH:
        return redirect("/")
    prepare_account()
    earlier = _earlier(kind)
    if kind == POSTING_SEARCH:
        return _form(PostingAsk.empty() if earlier is None else PostingAsk.like(earlier))
    return _form(SchemaAsk.of(known, earlier))


@pages_blueprint.post("/search/<kind>")
@limit_submits
def start_search(kind: str) -> AnyResponse:
    """Take the form in; all that is wrong with it is said at once."""
    known = kinds().get(kind)
    if known is None or kind == IMAGE_SEARCH:
        return error_response(404)
    return take_in(_read(known), _form)


def _read(kind: JobKind) -> Ask:
    if kind.name == POSTING_SEARCH:
        return PostingAsk.read(request)
    return SchemaAsk.read(request, kind)


def _form(form: Ask) -> Response:
    is_given = "like" in request.args and request.method == "GET"
    if isinstance(form, PostingAsk):
        return show_form(
            "search/posting_search.html", form, is_given=is_given, **posting_choices(form)
        )
    return show_form("search/plain.html", form, is_given=is_given, about=kinds()[form.kind])


def _earlier(kind: str) -> dict[str, Any] | None:
    """Return what an earlier search of this person's asked; None for any other."""
    person, job_id = current_person(), request.args.get("like", type=UUID)
    if person is None or job_id is None:
        return None
    with database().owner(person.id) as session:
        return session.scalar(select(Job.params).where(Job.id == job_id, Job.kind == kind))
