"""A person's own searches: the list, the live page of one, and the photo it was made with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from models import Job, JobSource, JobStatus, Notification, NotificationStatus, Upload, User
from models.job import jobs_page
from models.job_event import timeline
from models.suppression import why_stopped
from tasks.cancellation import settle
from tasks.texts import TextPreview, preview_text
from webapp.auth import current_person
from webapp.db import database, settings
from webapp.i18n import current_language
from webapp.pages.actions import repeatable
from webapp.pages.ask import new_key
from webapp.pages.asked import asked_of
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.choosing import address_like
from webapp.pages.errors import error_response
from webapp.pages.finding import LONGEST, about
from webapp.pages.insights import insights
from webapp.pages.reader import reader
from webapp.pages.results import count_of, has_result, photo_of, result_view
from webapp.pages.saved import kept_fresh, saved_run
from webapp.pages.sharing import share_view
from webapp.pages.templating import clock, masked
from webapp.pages.verify import code_of_job
from webapp.pages.waiting import place_in_line, time_left, waiting_words
from webapp.pages.words import STATUSES, stage_words, status_words
from webapp.resources.job_json import has_expired, job_json, views_of
from webapp.tables import table_of
from webapp.text_words import text_lines, text_sentence
from webapp.timeline import timeline_lines

A_PAGE = 50
# What the page's script goes on from.
_FACTS = (
    "version",
    "status",
    "attempt",
    "result_count",
    "cancel_requested_at",
    "queue_position",
    "eta_seconds",
    "eta_low",
    "eta_high",
    "eta_learning",
)
_SENT = ("sent", "delivered")
_LOST = ("failed", "undelivered", "unknown", "needs_review")


@pages_blueprint.get("/jobs")
def jobs() -> Response:
    """List the searches of this browser's person, newest first."""
    person = current_person()
    rows: list[dict[str, Any]] = []
    older: UUID | None = None
    status = request.args.get("status")
    if status not in STATUSES:
        status = None
    before = request.args.get("before", type=UUID)
    words = request.args.get("q", "").replace("\0", "").strip()[:LONGEST]
    if person is not None:
        with database().owner(person.id) as session:
            found = jobs_page(
                session,
                limit=A_PAGE + 1,
                before=before,
                status=status,
                meant=about(session, words) if words else None,
            )
            older = found[A_PAGE - 1].id if len(found) > A_PAGE else None
            found = found[:A_PAGE]
            for one in found:
                settle(session, one)
            asked = asked_of(session, found)
            again = repeatable(session, found)
            rows = [_line(job, asked.get(job.id, []), job.id in again) for job in found]
    page = render_template(
        "jobs.html",
        jobs=rows,
        older=older,
        status=status,
        words=words,
        at=before,
        statuses=status_words() if rows or status or words else {},
        is_active=any(not row["is_final"] for row in rows),
        deleted="deleted" in request.args,
        new_key=new_key(),
    )
    return make_response(page)


@pages_blueprint.get("/jobs/active")
def active() -> Response:
    """Give the number in the header anew."""
    return make_response(render_template("parts/active.html")) if reader() else error_response(404)


@pages_blueprint.get("/jobs/<uuid:job_id>")
def job(job_id: UUID) -> Response:
    """Show a job as it runs and what came of it. Somebody else's is as unknown as none at all."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        found = session.scalar(select(Job).where(Job.id == job_id).options(undefer(Job.result)))
        if found is None:
            return error_response(404)
        settle(session, found)
        view = result_view(session, found) | _view(session, found)
    if view["expired"]:
        view["title"] = gettext("This result has expired")
    notes = {"already": "already" in request.args, "gone": "gone" in request.args}
    page = render_template("job.html", job=found, **notes, **view)
    return make_response(page, 410 if view["expired"] else 200)


@pages_blueprint.get("/photos/<uuid:upload_id>")
def photo(upload_id: UUID) -> Response:
    """Give somebody their own photo back."""
    person = current_person()
    if person is None:
        return error_response(404)
    with database().owner(person.id) as session:
        upload = session.get(Upload, upload_id)
        if upload is None or not upload.media_type.startswith("image/"):
            return error_response(404)
        content = b"".join(upload.chunks(session))
    response = Response(content, mimetype=upload.media_type)
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["Content-Disposition"] = "inline"
    return response


def _line(job: Job, asked: list[str], can_repeat: bool) -> dict[str, Any]:
    return {
        "id": job.id,
        "is_final": job.is_final,
        "can_repeat": can_repeat,
        "can_stop": not job.is_final and job.cancel_requested_at is None,
        "stopping": job.status == JobStatus.RUNNING and job.cancel_requested_at is not None,
        "kind": job.kind,
        "status": job.status,
        "is_scheduled": job.source == JobSource.SCHEDULE,
        "asked_for": asked,
        "created_at": job.created_at,
        "count": None if job.result_count is None else count_of(job),
        "took": clock((job.finished_at - job.created_at).total_seconds())
        if job.finished_at
        else None,
    }


def _view(session: Session, job: Job) -> dict[str, Any]:
    photo_id = photo_of(session, job)
    now = datetime.now(UTC)
    return {
        "photo": f"/photos/{photo_id}" if photo_id else None,
        "now": now,
        "expired": has_expired(job),
        "can_repeat": bool(repeatable(session, [job])),
        "change": address_like(job),
        "new_key": new_key(),
        "saved_run": saved_run(session, job),
        "kept_fresh": kept_fresh(session, job),
        "relations": _relations(session, job),
        "timeline": timeline_lines(timeline(session, job.id), current_language())
        + text_lines(_text_of(session, job.id), current_language()),
        **_live_view(session, job, now),
        **_text_view(session, job),
        **share_view(session, job),
        "downloads": _downloads(job),
        "insights": []
        if job.is_final
        else insights(session, job, asked_of(session, [job]).get(job.id, [])),
    }


def _live_view(session: Session, job: Job, now: datetime) -> dict[str, Any]:
    facts = job_json(views_of(session, [job])[0])
    words = waiting_words()
    begins = gettext("Starting …")
    stages = stage_words()
    steps = gettext("{done} of {total}")
    total = job.progress_total or 0
    stopping = job.status == JobStatus.RUNNING and job.cancel_requested_at is not None
    return {
        "facts": {name: facts[name] for name in _FACTS},
        "elapsed": clock((now - job.created_at).total_seconds()),
        "stopping": stopping,
        "place": place_in_line(facts["queue_position"], words),
        "left": gettext("What it has found so far is kept.")
        if stopping
        else time_left(facts, words),
        "stage": _stage(job, stages, begins),
        "steps": steps.format(done=job.progress_done or 0, total=total) if total > 1 else "",
        "words": {"stages": stages, "begins": begins, "steps": steps, **words},
    }


def _relations(session: Session, job: Job) -> list[tuple[str, Job]]:
    """Return the search this one repeats, and the newest one that repeats this."""
    found = []
    earlier = session.get(Job, job.rerun_of_id) if job.rerun_of_id else None
    if earlier is not None:
        found.append((gettext("It repeats your search of"), earlier))
    later = session.scalar(
        select(Job)
        .where(Job.owner_id == job.owner_id, Job.id > job.id, Job.rerun_of_id == job.id)
        .order_by(Job.id.desc())
        .limit(1)
    )
    if later is not None:
        found.append((gettext("You searched for it again on"), later))
    return found


def _stage(job: Job, stages: dict[str, str], begins: str) -> str:
    if job.status == JobStatus.RUNNING and job.cancel_requested_at:
        return gettext("It ends in a moment.")
    if job.status == JobStatus.RUNNING:
        return stages.get(job.stage, job.stage) if job.stage else begins
    if job.not_before and job.not_before > datetime.now(UTC):
        return gettext("It did not work at once, so we try again in a moment.")
    return gettext("It begins by itself as soon as it is its turn.")


def _text_of(session: Session, job_id: UUID) -> Notification | None:
    return session.scalar(select(Notification).where(Notification.job_id == job_id))


def _downloads(job: Job) -> tuple[str, ...]:
    if job.result is None or not has_result(job):
        return ()
    return ("json",) if table_of(job.result, job.result_count) is None else ("json", "csv")


def _preview(job: Job, user: User) -> TextPreview:
    return preview_text(job, settings().base_url, user.phone_country)


def _text_view(session: Session, job: Job) -> dict[str, Any]:
    """Return what may be promised about a text: only what will really be sent."""
    user = session.get_one(User, job.owner_id)
    stopped = why_stopped(session, user.phone_hash) if user.has_verified_phone else None
    can_text = settings().sms_provider != "none" and user.has_verified_phone and stopped is None
    will_text = job.notify == "sms" and can_text
    notification = _text_of(session, job.id)
    status = None if notification is None else notification.status
    text = None
    # A run of a schedule may send one only if it finds something new.
    if job.notify == "sms" or notification is not None:
        text = "sent" if status in _SENT else "lost" if status in _LOST else "coming"
    if text == "coming" and not will_text:
        text = None
    return {
        "text": text,
        "may_text_new": job.notify == "new" and can_text,
        "text_sentence": text_sentence(notification, current_language()) if notification else "",
        "preview": _preview(job, user) if will_text and not job.is_final else None,
        "arrived": status == NotificationStatus.DELIVERED,
        "stopped": stopped,
        "masked_phone": masked(user.phone_last_digits or ""),
        "verify": code_of_job(session, job.id, user),
    }
