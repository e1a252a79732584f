"""The operator's page of texts: what became of each, and those that wait for a decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models import Notification, NotificationStatus, OperatorEvent, User
from models.review import VERBS
from tasks.wake import wake_on_commit
from webapp.db import database
from webapp.operator.blueprint import operator_blueprint
from webapp.operator.words import STATUSES, reason_of_text, status_of_text
from webapp.pages.errors import error_response
from webapp.pages.templating import masked

A_PAGE = 50
_EVENTS = 20


@operator_blueprint.get("/texts")
def texts() -> Response:
    """List texts, those that wait for a decision before the others, the newest job first."""
    status = request.args.get("status")
    if status not in STATUSES:
        status = None
    before = request.args.get("before", type=UUID)
    with database().operator() as session:
        review = [] if before or status else _rows(session, NotificationStatus.NEEDS_REVIEW)
        rows = _rows(session, status, before=before, most=A_PAGE + 1)
        events = session.scalars(
            select(OperatorEvent).order_by(OperatorEvent.id.desc()).limit(_EVENTS)
        ).all()
    page = render_template(
        "operator/texts.html",
        review=review,
        rows=rows[:A_PAGE],
        older=rows[A_PAGE - 1]["job_id"] if len(rows) > A_PAGE else None,
        status=status,
        statuses=[(one, status_of_text(one)) for one in STATUSES],
        events=events,
        decided="decided" in request.args,
        late="late" in request.args,
    )
    return make_response(page)


@operator_blueprint.post("/texts/<uuid:text_id>/decision")
def decide(text_id: UUID) -> AnyResponse:
    """Decide about a text of which nobody knows whether it went out."""
    verb = VERBS.get(request.form.get("verb", ""))
    if verb is None:
        return error_response(400)
    with database().operator() as session:
        job_id = verb(session, text_id)
        if job_id is not None:
            wake_on_commit(session, job_id)
    return redirect(f"/operator/texts?{'late' if job_id is None else 'decided'}", code=303)


def _rows(
    session: Session, status: str | None, *, before: UUID | None = None, most: int = A_PAGE
) -> list[dict[str, Any]]:
    statement = (
        select(Notification, User.phone_last_digits)
        .join(User, User.id == Notification.owner_id)
        .order_by(Notification.job_id.desc(), Notification.id)
        .limit(most)
    )
    if status is not None:
        statement = statement.where(Notification.status == status)
    if before is not None:
        statement = statement.where(Notification.job_id < before)
    return [
        {
            "id": text.id,
            "job_id": text.job_id,
            "status": text.status,
            "words": status_of_text(text.status),
            "reason": reason_of_text(text.error_code),
            "segments": text.segments,
            "attempts": text.attempts,
            "resends": text.resends,
            "looks": text.looks,
            "created_at": text.created_at,
            "sent_at": text.sent_at,
            "delivered_at": text.delivered_at,
            "phone": masked(digits) if digits else "",
        }
        for text, digits in session.execute(statement)
    ]
