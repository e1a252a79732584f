"""What must hold after every step, whatever happened: each by the name of its promise."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from properties.snapshot import Row, Snapshot

ENDS = ("succeeded", "failed", "cancelled")


class BrokenPromiseError(AssertionError):
    """A promise was not kept; `promise` names it."""

    def __init__(self, promise: str, found: str) -> None:
        super().__init__(f"{promise}: {found}")
        self.promise = promise


def check(before: Snapshot, after: Snapshot, *, most_running: int, stale: UUID | None) -> None:
    """Compare two looks at the database, one step apart.

    Args:
        before: the look before the step.
        after: the look after it.
        most_running: how many jobs of one person may run at once.
        stale: the job an old fence tried to write to in this step.
    """
    for job_id, row in after.items():
        _ends_once(row)
        _texts(row)
        _attempts(row)
        if job_id in before:
            _ended_rows_stay(before[job_id], row)
            _progress_never_falls(before[job_id], row)
            _fence_never_falls(before[job_id], row)
    for job_id in before:
        if job_id not in after:
            raise BrokenPromiseError("nothing is lost", f"job {job_id} is gone")
    if stale is not None and before[stale].image != after[stale].image:
        raise BrokenPromiseError(
            "an old fence never writes", f"{before[stale]} became {after[stale]}"
        )
    running = Counter(row.owner_id for row in after.values() if row.status == "running")
    if running and max(running.values()) > most_running:
        raise BrokenPromiseError(
            "a person's cap", f"{max(running.values())} of {most_running} run at once"
        )


def _ends_once(row: Row) -> None:
    ends = [event for event in row.events if event in ENDS]
    if ends != [row.status] * row.ended:
        raise BrokenPromiseError("a job ends once", f"{row.status} after the events {row.events}")


def _ended_rows_stay(before: Row, row: Row) -> None:
    if before.ended and (before.image, before.texts) != (row.image, row.texts):
        raise BrokenPromiseError("an ended row never changes", f"{before} became {row}")


def _progress_never_falls(before: Row, row: Row) -> None:
    same_attempt = before.fence == row.fence and before.status == row.status == "running"
    if same_attempt and row.progress < before.progress:
        raise BrokenPromiseError("progress never falls", f"{before.progress} became {row.progress}")


def _fence_never_falls(before: Row, row: Row) -> None:
    if row.fence < before.fence or row.version < before.version:
        raise BrokenPromiseError("the fence never falls", f"{before} became {row}")


def _texts(row: Row) -> None:
    wanted = row.notify == "sms" and row.status in ("succeeded", "failed")
    if row.texts != int(wanted):
        raise BrokenPromiseError(
            "one text, with the end", f"{row.texts} for a job that is {row.status}"
        )


def _attempts(row: Row) -> None:
    """The events tell the same story as the columns."""
    told = Counter(row.events)
    if row.events[:1] != ["enqueued"] or told["enqueued"] != 1:
        raise BrokenPromiseError("events tell the story", f"{row.events}")
    counted = told["claimed"] - told["handed_back"]
    # One that was to stop anyway ends when its worker does: handed back, yet told as cancelled.
    if row.attempt not in ((counted, counted - 1) if row.status == "cancelled" else (counted,)):
        raise BrokenPromiseError(
            "attempts are counted", f"{row.attempt} after the events {row.events}"
        )
    if not 0 <= row.attempt <= row.max_attempts:
        raise BrokenPromiseError("attempts are counted", f"{row.attempt} of {row.max_attempts}")
    if row.leased != (row.status == "running"):
        raise BrokenPromiseError("a lease is a running job's", f"{row}")
