"""Whether the text about a job may go out now: what its person, the clock and the caps say."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models import Job, Settings, User
from models.suppression import is_suppressed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a text. Neither is set: send it.

    Attributes:
        wait_seconds: not before so many seconds have passed.
        refuse: never; the code of why, e.g. `opted_out`, as kept in `notifications.error_code`.
    """

    wait_seconds: float | None = None
    refuse: str | None = None


def judge(session: Session, settings: Settings, job: Job, user: User) -> Verdict:  # noqa: ARG001
    """Decide about one text, in a worker's transaction, right before it is sent."""
    if user.phone_hash is not None and is_suppressed(session, user.phone_hash):
        return Verdict(refuse="opted_out")
    return Verdict()
