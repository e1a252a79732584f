"""What a provider reports about a text, and which of it is news.

Reports come doubled, late and in any order, and before the answer to the request they are about.
A text only moves forwards, and an end never changes: not from failed to delivered, nor back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.notification import Notification, NotificationStatus

_STEPS = {
    NotificationStatus.QUEUED: 0,
    NotificationStatus.SENDING: 1,
    NotificationStatus.UNKNOWN: 1,
    NotificationStatus.NEEDS_REVIEW: 1,
    NotificationStatus.SENT: 2,
}
_ENDS = frozenset(
    {
        NotificationStatus.DELIVERED,
        NotificationStatus.UNDELIVERED,
        NotificationStatus.FAILED,
    }
)
_LOST = frozenset({NotificationStatus.UNDELIVERED, NotificationStatus.FAILED})
MOST_RETRIES = 5


class Effect(StrEnum):
    """What a report did."""

    MOVED = "moved"
    OLD = "old"  # known already, or overtaken
    DOUBLED = "doubled"  # about a second text for the same row
    NO_TEXT = "no_text"


@dataclass(frozen=True, slots=True)
class Report:
    """One report, in our words.

    Attributes:
        fence: which send of the text it is about.
        sid: the provider's id of the text.
        status: sent, delivered, undelivered or failed.
        code: why not, as the provider calls it.
        retry_after_seconds: it did not arrive and may be sent again after so long; None if not.
        retry_once: that is so for the first time only.
    """

    fence: int
    sid: str
    status: NotificationStatus
    code: str | None = None
    retry_after_seconds: float | None = None
    retry_once: bool = True


def record_report(
    session: Session, notification_id: UUID, report: Report
) -> tuple[Effect, UUID | None]:
    """Write a report down if it is news.

    Args:
        session: a gate to which the row's `callback_hash` is presented.
        notification_id: which text.
        report: what is reported.

    Returns:
        What it did, and the job whose pages should look again.
    """
    row = session.execute(
        select(
            Notification.job_id,
            Notification.status,
            Notification.fence,
            Notification.provider_sid,
            Notification.lost_sids,
            Notification.resends,
            Notification.attempts,
        )
        .where(Notification.id == notification_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return Effect.NO_TEXT, None
    if report.sid in (row.lost_sids or ()):
        return Effect.OLD, row.job_id  # a send that did not arrive, and is made up for
    if row.provider_sid is not None and row.provider_sid != report.sid:
        # An earlier send that did not arrive is known; one that did is a second text.
        is_known = report.fence < row.fence and report.status in _LOST
        return (Effect.OLD if is_known else Effect.DOUBLED), row.job_id
    changes = _changes(row, report)
    if changes is None:
        return Effect.OLD, row.job_id
    session.execute(
        update(Notification)
        .where(Notification.id == notification_id)
        .values(changes | {"updated_at": func.clock_timestamp()})
        .execution_options(synchronize_session=False)
    )
    return Effect.MOVED, row.job_id


def _changes(row: Any, report: Report) -> dict[str, Any] | None:
    status = NotificationStatus(row.status)
    went_wrong = report.status in _LOST
    if status in _ENDS:
        return None
    if went_wrong and (report.fence != row.fence or status is NotificationStatus.QUEUED):
        return None  # about an earlier send, after which it is tried again already
    if report.status not in _ENDS and _STEPS[status] >= _STEPS[NotificationStatus.SENT]:
        return None
    changes: dict[str, Any] = {
        "provider_sid": report.sid,
        "status": report.status.value,
        "error_code": report.code,
        "lease_until": None,
        "not_before": None,
        "dispatched_at": None,
    }
    if report.status is NotificationStatus.DELIVERED:
        changes["delivered_at"] = func.clock_timestamp()
    if not went_wrong:
        changes["sent_at"] = func.coalesce(Notification.sent_at, func.clock_timestamp())
    elif report.retry_after_seconds is not None and _may_retry(row, report):
        changes |= {
            "status": NotificationStatus.QUEUED.value,
            "provider_sid": None,
            "lost_sids": [*(row.lost_sids or ()), report.sid],
            "resends": row.resends + int(report.retry_once),
            "not_before": func.clock_timestamp()
            + func.make_interval(0, 0, 0, 0, 0, 0, report.retry_after_seconds),
        }
    return changes


def _may_retry(row: Any, report: Report) -> bool:
    return bool(row.resends == 0 if report.retry_once else row.attempts < MOST_RETRIES)
