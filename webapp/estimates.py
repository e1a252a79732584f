"""How long a job will still take: learnt from past ones of its kind, and honest about the rest."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from models import Job, JobStatus
from models.estimate import DurationEstimate, estimate

# Every page asks, and within this neither the past of a kind nor the number of running jobs changes
# much.
_KNOWN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Eta:
    """Seconds until a job's end: never negative, and low <= seconds <= high where all are known.

    Attributes:
        seconds: the best guess; None where there is none.
        low: it is rarely sooner.
        high: it is rarely later.
        is_learning: too few jobs of this kind have ended for a range.
    """

    seconds: int | None = None
    low: int | None = None
    high: int | None = None
    is_learning: bool = False


NOTHING_LEFT = Eta()


def waiting_eta(past: DurationEstimate, place: int | None, delay_seconds: float = 0) -> Eta:
    """Return the time until the end of a job that waits.

    Those before it end one after another in as many slots as are busy now; then it runs itself.

    Args:
        past: how long jobs of its kind take, and how many jobs run now.
        place: 1 is next; None for a job that waits for its next attempt.
        delay_seconds: it is not taken before that.
    """
    if past.low is None or past.mid is None or past.high is None or past.learning:
        return Eta(is_learning=True)
    slots = max(1, past.running)
    ahead = max(0, (place or 1) - 1)
    # With every slot busy, the first in line waits for one of them too, somewhere in its course.
    busy = ahead + 1 if past.running and place else ahead

    def until_end(jobs: int, seconds: float) -> float:
        return max(delay_seconds, jobs / slots * seconds) + seconds

    return _ordered(
        until_end(ahead, past.low), until_end(busy, past.mid), until_end(busy, past.high)
    )


def running_eta(
    past: DurationEstimate, elapsed_seconds: float | None, own_seconds: float | None
) -> Eta:
    """Return the time until the end of a job that runs.

    Args:
        past: how long jobs of its kind take.
        elapsed_seconds: since it began; None when an earlier attempt makes that meaningless.
        own_seconds: what the kind itself says is left, which goes before what is learnt.
    """
    own = None if own_seconds is None else max(0.0, own_seconds)
    if past.low is None or past.mid is None or past.high is None or past.learning:
        return Eta(None if own is None else round(own), is_learning=True)
    if elapsed_seconds is None or elapsed_seconds >= past.high:
        # It takes longer than nearly all before it: nothing learnt says when it ends.
        return Eta(None if own is None else round(own))
    low = max(0.0, past.low - elapsed_seconds)
    high = past.high - elapsed_seconds
    if own is not None:
        return _ordered(min(low, own), own, max(high, own))
    mid = past.mid - elapsed_seconds
    # Past the usual end, but not past the latest: somewhere in what is left of the range.
    return _ordered(low, mid if mid > 0 else high / 2, high)


def eta_of(session: Session, job: Job, place: int | None) -> Eta:
    """Return the time until a job's end; `session` is its owner's."""
    if job.is_final:
        return NOTHING_LEFT
    past = _past(session, job.kind)
    now = datetime.now(UTC)
    if job.status == JobStatus.QUEUED:
        delay = (job.not_before - now).total_seconds() if job.not_before else 0
        return waiting_eta(past, place, max(0.0, delay))
    elapsed = None
    if job.started_at is not None and job.attempt == 1:
        elapsed = max(0.0, (now - job.started_at).total_seconds())
    own = None
    if job.eta_seconds is not None:
        own = job.eta_seconds - max(0.0, (now - job.updated_at).total_seconds())
    return running_eta(past, elapsed, own)


def forget_the_past() -> None:
    """Learn anew at the next question."""
    _known.clear()


_known: dict[str, tuple[float, DurationEstimate]] = {}


def _past(session: Session, kind: str) -> DurationEstimate:
    known = _known.get(kind)
    if known is None or time.monotonic() - known[0] > _KNOWN_SECONDS:
        # Kinds are few; another release's are forgotten with the process.
        known = _known[kind] = (time.monotonic(), estimate(session, kind))
    return known[1]


def _ordered(low: float, mid: float, high: float) -> Eta:
    return Eta(round(mid), round(min(low, mid)), round(max(mid, high)))
