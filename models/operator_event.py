"""What somebody who runs the service should know: kept in a row, with a log line beside it."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, created

log = logging.getLogger(__name__)


class OperatorEvent(Base):
    """One such thing: a deaf worker, a missed slot, a cap that was hit."""

    __tablename__ = "operator_events"
    __table_args__ = (Index("ix_operator_events_at", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[created]
    event: Mapped[str]
    subject: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None]


def record_operator_event(
    session: Session, event: str, subject: str | None = None, **detail: Any
) -> None:
    """Write one down in a worker's or the operator's transaction.

    Args:
        session: one opened by `Database.worker` or `Database.operator`.
        event: its name, e.g. `worker_deaf`.
        subject: what it is about, e.g. the worker's name.
        detail: JSON; nothing of a person.
    """
    log.warning("operator event event=%s subject=%s detail=%s", event, subject, detail)
    session.execute(
        # Inline: nothing is read back, which a worker may not.
        insert(OperatorEvent).values(event=event, subject=subject, detail=detail or None).inline()
    )
