"""How long jobs of a kind take, learnt from those that succeeded lately."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.queries import query

# With fewer runs than these a range would be a guess dressed up.
ENOUGH_RUNS = 5


@dataclass(frozen=True, slots=True)
class DurationEstimate:
    """Durations of a kind in seconds, of its last 50 successes at the first attempt.

    Attributes:
        runs: how many of them there are.
        low: nine in ten took longer; None without any run.
        mid: half of them took longer.
        high: one in ten took longer.
        running: how many jobs of all kinds are running at this moment.
    """

    runs: int
    low: float | None
    mid: float | None
    high: float | None
    running: int

    @property
    def learning(self) -> bool:
        """Whether too little is known yet to promise anything."""
        return self.runs < ENOUGH_RUNS


def estimate(session: Session, kind: str) -> DurationEstimate:
    """Return what is known of a kind; the session is any person's."""
    row = session.execute(query("kind_durations"), {"kind": kind}).one()
    return DurationEstimate(row.runs, row.low, row.mid, row.high, row.running)
