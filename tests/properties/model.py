"""A job's life in plain Python: what the database is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from properties.invariants import BrokenPromiseError
from properties.snapshot import Row

LEASE_SECONDS = 3000
MOST_RUNNING = 2  # jobs of one person
FINAL = ("succeeded", "failed", "cancelled")


@dataclass
class Life:
    """What we believe about one job. Times are seconds of the model's clock."""

    id: UUID
    owner: int
    scheduled: bool
    max_attempts: int
    question: bytes
    key: str | None = None
    status: str = "queued"
    attempt: int = 0
    fence: int = 0
    progress: int = 0
    lease_until: float = 0
    not_before: float = 0
    worker: str = ""
    cancel_requested: bool = False
    partial: bool = False
    result: dict[str, Any] | None = None
    checkpoint: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing may change any more."""
        return self.status in FINAL

    def holds(self, row: Row) -> None:
        """Compare with the row.

        Raises:
            BrokenPromiseError: the database did something else.
        """
        for name in (
            "status", "attempt", "fence", "progress", "cancel_requested", "partial", "result",
            "checkpoint",
        ):  # fmt: skip
            if getattr(self, name) != getattr(row, name):
                raise BrokenPromiseError(
                    "the row is as the model says", f"{name}: {self} against {row}"
                )


@dataclass
class Model:
    """All jobs of one example and the clock."""

    now: float = 0
    lives: dict[UUID, Life] = field(default_factory=dict)

    def running_of(self, owner: int) -> list[Life]:
        """Return the jobs of one person that run."""
        return [a for a in self.lives.values() if a.owner == owner and a.status == "running"]

    def has_lapsed(self, life: Life) -> bool:
        """Whether the worker was silent for longer than its lease."""
        return life.status == "running" and life.lease_until < self.now

    def is_due(self, life: Life) -> bool:
        """Whether the pause before another attempt is over."""
        return life.not_before <= self.now

    def may_claim(self, life: Life) -> bool:
        """Whether a claim succeeds now: it waits, it is due, and its person has a slot free."""
        others = self.running_of(life.owner)
        scheduled = sum(other.scheduled for other in others)
        return (
            life.status == "queued"
            and self.is_due(life)
            and len(others) < MOST_RUNNING
            and (not life.scheduled or scheduled < max(1, MOST_RUNNING - 1))
        )

    def claim(self, life: Life, worker: str) -> None:
        """An attempt begins, and is counted."""
        life.status, life.worker = "running", worker
        life.attempt += 1
        life.fence += 1
        life.lease_until = self.now + LEASE_SECONDS
        life.not_before = 0

    def end(self, life: Life, status: str) -> None:
        """The job ends; what a retry would have gone on from goes."""
        life.status = status
        life.checkpoint = None

    def put_back(self, life: Life) -> None:
        """A worker was lost: the next attempt, or the end that is due."""
        life.fence += 1
        if life.cancel_requested:
            life.status = "cancelled"
        elif life.attempt >= life.max_attempts:
            life.status = "failed"
        else:
            life.status, life.progress = "queued", 0
