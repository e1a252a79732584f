"""Keeping a search fresh, and changing when: one form, with its next times before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask_babel import gettext
from limits import RateLimitItemPerMinute
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models import Job, User
from models.saved_search import SavedSearch, Telling, find_saved_by_idempotency_key
from models.schedule import MOST_LINES, Schedule
from models.simple_schedule import default_schedule
from tasks.registry import UnknownKindError
from tasks.saved_searches import (
    Saving,
    TooManySavedSearchesError,
    change,
    latest_of,
    name_of,
    save,
)
from tasks.submission import (
    InvalidParamsError,
    PhoneNotVerifiedError,
    TextsOffError,
    TextsStoppedError,
    check_can_be_texted,
)
from webapp.auth import current_person
from webapp.db import database, settings
from webapp.i18n import current_language
from webapp.idempotency import once
from webapp.limits import limit_calls, limit_submits
from webapp.pages.ask import NotRightError
from webapp.pages.asked import asked_of
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.choosing import address_of
from webapp.pages.errors import error_response
from webapp.pages.reader import UNSET_ZONE
from webapp.pages.results import photo_of
from webapp.pages.saved import asked_about, photo_about
from webapp.pages.saved_form import MORNING_TIME, SavedForm
from webapp.pages.saved_texts import texts_of
from webapp.pages.saved_times import Times, times_of
from webapp.pages.saved_words import day_words, place_of, telling_words, when_words
from webapp.pages.saved_zones import zone_choices, zone_word
from webapp.pages.words import title_of
from webapp.resources.job_json import has_expired
from webapp.saved_searches import with_saved_search

# Asked for while somebody types; apart from what starts something.
_PREVIEWS = RateLimitItemPerMinute(120)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a form is about: the job whose question is to be kept, or what is kept already.

    Attributes:
        id: of the job, or of what is kept.
        is_saved: whether it is kept already.
        kind: the kind's name.
        name: what it is called unless somebody says otherwise.
        asked_for: what it keeps to.
        photo: the person's own that it is about, if any.
        version: another one after every change.
        kept: its times as they are, as far as they are understood.
    """

    id: UUID
    is_saved: bool
    kind: str
    name: str
    asked_for: list[str]
    photo: UUID | None = None
    version: str = ""
    kept: Schedule | None = None

    @property
    def action(self) -> str:
        """Return where the form is sent."""
        return f"/saved/{self.id}/edit" if self.is_saved else "/saved"

    @property
    def address(self) -> str:
        """Return where the form is found."""
        return self.action if self.is_saved else f"/saved/new?job={self.id}"

    @property
    def draft(self) -> str:
        """Return what a browser keeps what was typed under: it is put into no newer form."""
        return f"saved-{self.id}{self.version}"


@pages_blueprint.get("/saved/new")
def new_saved_search() -> AnyResponse:
    """Show everything filled in: for `?job=`, or for the newest search of `?kind=`."""
    person = current_person()
    if person is None:
        return error_response(404)
    job_id, kind = request.args.get("job", type=UUID), request.args.get("kind", "")
    with database().owner(person.id) as session:
        job = session.get(Job, job_id) if job_id else None
        if job is None and job_id is None and kind:
            job = latest_of(session, kind.replace("\0", ""))
            if job is None:
                return redirect(address_of(kind))
        if job is None:
            return error_response(404)
        if has_expired(job):
            return redirect(f"/jobs/{job.id}?gone")
        user = session.get_one(User, person.id)
        subject = _subject_of(session, job)
        form = SavedForm(time_zone=user.time_zone, name=subject.name)
        return _page(session, user, subject, form)


@pages_blueprint.post("/saved")
@limit_submits
def save_search() -> AnyResponse:
    """Keep what a job asked; sent twice it is one saved search."""
    person = current_person()
    job_id = _id_of("job")
    if person is None or job_id is None:
        return error_response(404)
    form = SavedForm.read(request)
    key = form.idempotency_key("POST /saved", str(job_id))

    def make(session: Session) -> SavedSearch:
        job = session.get(Job, job_id)
        if job is None or has_expired(job):
            raise _GoneError
        user = session.get_one(User, person.id)
        schedule = form.schedule(user.time_zone)
        _check_texts(session, user, form)
        if schedule is None or form.errors:
            raise NotRightError
        saving = Saving(
            kind=job.kind,
            params=job.params,
            schedule=schedule,
            name=form.name or None,
            notify=form.notify,
            locale=current_language(),
            overlap=form.overlap,
            missed=form.missed,
            missed_limit_seconds=form.missed_limit_seconds,
            idempotency_key=key.key,
            request_hash=key.request_hash,
        )
        return save(session, settings(), person.id, saving)

    try:
        saved_id, _ = once(
            person.id,
            key,
            find=find_saved_by_idempotency_key,
            make=make,
            show=lambda _, search: search.id,
        )
    except _GoneError:
        return redirect(f"/jobs/{job_id}?gone", code=303)
    except _REFUSALS as error:
        _explain(form, error)
        return _again(person.id, form, lambda session: _subject_of_job(session, job_id))
    return redirect(f"/saved/{saved_id}?made", code=303)


@pages_blueprint.get("/saved/<uuid:saved_id>/edit")
def edit_saved_search(saved_id: UUID) -> AnyResponse:
    """Show one filled in as it is."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        search = session.get(SavedSearch, saved_id)
        if search is None:
            return error_response(404)
        user = session.get_one(User, person.id)
        form = SavedForm.of(search, user.time_zone)
        subject = _subject_of_search(session, search)
        return _page(session, user, subject, form)


@pages_blueprint.post("/saved/<uuid:saved_id>/edit")
@limit_submits
def change_saved_search(saved_id: UUID) -> AnyResponse:
    """Change it; what it asks stays."""
    person = current_person()
    if person is None:
        return error_response(404)
    form = SavedForm.read(request)

    def act(session: Session, search: SavedSearch) -> bool:
        _change(session, search, form)
        return True

    try:
        if not with_saved_search(person.id, saved_id, act):
            return error_response(404)
    except _REFUSALS as error:
        _explain(form, error)
        return _again(person.id, form, lambda session: _subject_of_saved(session, saved_id))
    return redirect(f"/saved/{saved_id}?changed", code=303)


@pages_blueprint.post("/saved/preview")
def preview_saved_search() -> AnyResponse:
    """Show the next times of a form: the part of the page that shows them, or all of the page."""
    person = current_person()
    if person is None:
        return error_response(404)
    limit_calls(_PREVIEWS, "saved preview", str(person.id))
    form = SavedForm.read(request)
    with database().owner(person.id) as session:
        user = session.get_one(User, person.id)
        saved_id, job_id = _id_of("saved"), _id_of("job")
        subject = _subject_of_saved(session, saved_id) or _subject_of_job(session, job_id)
        if subject is None:
            return error_response(404)
        if "HX-Request" in request.headers:
            times = _times(form, user, subject.kept)
            part = render_template("saved/times.html", form=form, times=times, is_part=True)
            return make_response(part)
        return _page(session, user, subject, form)


class _GoneError(Exception):
    """What was to be kept is not there any more."""


_REFUSALS = (
    NotRightError,
    InvalidParamsError,
    UnknownKindError,
    TooManySavedSearchesError,
    PhoneNotVerifiedError,
    TextsOffError,
    TextsStoppedError,
)


def _change(session: Session, search: SavedSearch, form: SavedForm) -> None:
    """Do what the form asks to a search that is locked."""
    user = session.get_one(User, search.owner_id)
    schedule = form.schedule(user.time_zone, search.known_schedule)
    if not form.name:
        form.errors["name"] = gettext("Give it a name, so that you know it again.")
    if search.notify != Telling.ALWAYS:
        _check_texts(session, user, form)
    if schedule is None or form.errors:
        raise NotRightError
    change(
        session,
        settings(),
        search,
        schedule=schedule,
        name=form.name,
        # Where no texts are sent the form does not ask.
        notify=search.notify if settings().sms_provider == "none" else form.notify,
        overlap=form.overlap,
        missed=form.missed,
        missed_limit_seconds=form.missed_limit_seconds,
        locale=current_language(),
    )


def _check_texts(session: Session, user: User, form: SavedForm) -> None:
    """Say beside all else that is wrong whether texts after every run can be sent at all."""
    if form.notify != Telling.ALWAYS:
        return
    try:
        check_can_be_texted(session, settings(), user.id)
    except (PhoneNotVerifiedError, TextsOffError, TextsStoppedError) as error:
        _explain(form, error)


def _explain(form: SavedForm, error: Exception) -> None:
    """Put why nothing was saved beside what it is about; the form itself says the rest."""
    if isinstance(error, TooManySavedSearchesError):
        form.errors["form"] = gettext(
            "You have %(most)s saved searches, which is the most. Delete one first.",
            most=settings().saved_searches_per_person,
        )
    elif isinstance(error, InvalidParamsError | UnknownKindError):
        form.errors["form"] = gettext(
            "This search cannot be kept fresh: what it was about is not there any more."
        )
    elif isinstance(error, PhoneNotVerifiedError):
        form.errors["notify"] = gettext(
            "A text after every run needs a number that is yours. Add one to your account first."
        )
    elif isinstance(error, TextsStoppedError):
        form.errors["notify"] = gettext(
            "Texts to your number are stopped. Turn them on in your account first."
        )
    elif isinstance(error, TextsOffError):
        form.errors["notify"] = gettext("This server sends no texts.")


def _again(
    person_id: UUID, form: SavedForm, find: Callable[[Session], Subject | None]
) -> AnyResponse:
    """Return the page with all that was typed, and what is wrong with it."""
    with database().owner(person_id) as session:
        subject = find(session)
        if subject is None:
            return error_response(404)
        return _page(session, session.get_one(User, person_id), subject, form)


def _page(session: Session, user: User, subject: Subject, form: SavedForm) -> Response:
    times = _times(form, user, subject.kept)
    language = current_language()
    suggested = default_schedule(settings().default_schedule)
    page = render_template(
        "saved/form.html",
        form=form,
        errors=form.errors,
        subject=subject,
        times=times,
        suggested=when_words(suggested.cron_lines, suggested.time_zone),
        morning=MORNING_TIME,
        own_zone=user.time_zone,
        own_place=place_of(user.time_zone),
        has_no_zone=user.time_zone == UNSET_ZONE,
        days=day_words(),
        most_times=MOST_LINES,
        zones=zone_choices(language),
        zone=zone_word(form.time_zone, language),
        tellings=telling_words(),
        texts=texts_of(session, user),
        quiet=settings().quiet_hours.split("-"),
        here=subject.address,
    )
    is_refused = form.errors and request.method == "POST"
    return make_response(page, 422 if is_refused else 200)


def _times(form: SavedForm, user: User, kept: Schedule | None) -> Times | None:
    """Return the next times of what the form holds, or None where it says what is wrong."""
    schedule = form.schedule(user.time_zone, kept)
    return None if schedule is None else times_of(schedule, user.time_zone)


def _subject_of_job(session: Session, job_id: UUID | None) -> Subject | None:
    job = session.get(Job, job_id) if job_id else None
    return None if job is None else _subject_of(session, job)


def _subject_of(session: Session, job: Job) -> Subject:
    name = name_of(job.kind, job.params, current_language()) or title_of(job.kind)
    asked = asked_of(session, [job]).get(job.id, [])
    return Subject(job.id, False, job.kind, name, asked, photo_of(session, job))


def _subject_of_saved(session: Session, saved_id: UUID | None) -> Subject | None:
    search = session.get(SavedSearch, saved_id) if saved_id else None
    return None if search is None else _subject_of_search(session, search)


def _subject_of_search(session: Session, search: SavedSearch) -> Subject:
    return Subject(
        search.id,
        True,
        search.kind,
        search.name,
        asked_about(session, [search])[search.id],
        photo_about(session, search),
        version=f"-{search.updated_at.timestamp()}",
        kept=search.known_schedule,
    )


def _id_of(name: str) -> UUID | None:
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        return None
