"""A claim: one attempt's right to work on a job. Each write it makes carries fence and worker."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from sqlalchemy.orm import Session

from models.errors import StaleFenceError
from models.job import JobStatus
from models.queries import query
from models.step import Step
from models.storable import MAX_CHECKPOINT_BYTES, MAX_RESULT_BYTES, storable


@dataclass(frozen=True, slots=True)
class Turn:
    """A job that was given its place in line: hint at it once that is durable."""

    job_id: UUID
    kind: str
    queue: str

    @classmethod
    def of(cls, row: Any) -> Self:
        """Make one of a row with `job_id`, `kind` and `queue`."""
        return cls(row.job_id, row.kind, row.queue)


@dataclass(frozen=True, slots=True)
class Ended:
    """What the end of an attempt leads to.

    Attributes:
        status: the job's status now.
        owner_id: whose job it is now; accounts may be merged while it runs.
        notification_id: the text to send, or None if nobody asked for one.
        next: the job that takes its slot, or None: its person's next one, or itself again.
    """

    status: JobStatus
    owner_id: UUID
    notification_id: UUID | None
    next: Turn | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """Make one of the row that finish_job.sql and its like return."""
        turn = None if row.next_id is None else Turn(row.next_id, row.next_kind, row.next_queue)
        return cls(JobStatus(row.status), row.owner_id, row.notification_id, turn)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt is.

    `percent` is 0 to 100 and never falls within an attempt; `done` of `total` `unit`s is the truth
    behind it where the kind can count.
    """

    percent: int = 0
    done: int | None = None
    total: int | None = None
    unit: str | None = None
    stage: str | None = None
    eta_seconds: int | None = None

    def columns(self) -> dict[str, Any]:
        """Return the values for report_progress.sql."""
        return {
            "progress": self.percent,
            "progress_done": self.done,
            "progress_total": self.total,
            "progress_unit": self.unit,
            "stage": self.stage,
            "eta_seconds": self.eta_seconds,
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt's right to work on a job: every write it makes carries `fence` and `worker`.

    The fence alone tells attempts apart unless Postgres dies in the moment of a claim: that claim
    is lost (see `take`), and the next one has the same fence.
    """

    job_id: UUID
    owner_id: UUID
    kind: str
    params: dict[str, Any]
    attempt: int
    max_attempts: int
    fence: int
    worker: str
    checkpoint: dict[str, Any] | None
    saved_search_id: UUID | None = None

    @classmethod
    def take(
        cls,
        session: Session | Step,
        job_id: UUID,
        *,
        worker: str,
        lease_seconds: float,
        most_running: int,
    ) -> Self | None:
        """Move a queued, due job to running and count the attempt.

        Nobody waits for the disk: if Postgres dies at once, the job waits in its queue as before,
        and whoever works on it is refused.

        Args:
            session: one opened by `Database.worker`, with nothing done in it yet.
            job_id: what the hint named.
            worker: the process that works on it.
            lease_seconds: after this long without a sign of life it belongs to whoever rescues it.
            most_running: how many jobs of one person run at the same time.

        Returns:
            None when the hint was stale: the job is gone, taken, ended or not due yet, or its
            person has `most_running` jobs running; such a job waits for its turn again.
        """
        session.execute(query("commit_lazily"), {"synchronous_commit": "off"})
        session.execute(query("lock_owner"), {"id": job_id})
        row = session.execute(
            query("claim_job"),
            {
                "id": job_id,
                "worker": worker,
                "lease_seconds": lease_seconds,
                "most_running": most_running,
            },
        ).one_or_none()
        return None if row is None else cls(**row._asdict())

    def heartbeat(
        self, session: Session | Step, *, lease_seconds: float, progress: Progress | None = None
    ) -> bool:
        """Renew the lease, with the newest progress if it changed.

        Returns:
            Whether the person asked for the job to be cancelled.

        Raises:
            StaleFenceError: another attempt has the job now, or it has ended.
        """
        values: dict[str, Any] = {**self._guard, "lease_seconds": lease_seconds}
        if progress is None:
            row = session.execute(query("renew_lease"), values).one_or_none()
        else:
            values |= progress.columns()
            row = session.execute(query("report_progress"), values).one_or_none()
        if row is None:
            raise StaleFenceError
        return bool(row.cancel_requested)

    def check(self, session: Session | Step) -> bool:
        """Read whether the person asked for a cancel; raises like `heartbeat`, renews nothing."""
        return bool(self._fenced(session, "check_claim").cancel_requested)

    def save_checkpoint(self, session: Session | Step, checkpoint: Mapping[str, Any]) -> None:
        """Keep what a retry goes on from.

        Raises:
            StaleFenceError: this attempt may not write any more.
            UnstorableError: it is not JSON, or over 5 MB.
        """
        words = storable(checkpoint, max_bytes=MAX_CHECKPOINT_BYTES)
        self._fenced(session, "save_checkpoint", checkpoint=words)

    def save_partial(
        self, session: Session | Step, result: Mapping[str, Any], *, result_count: int | None
    ) -> None:
        """Keep the answer so far: it stays, labelled as a part, if the job is stopped.

        Raises:
            StaleFenceError: this attempt may not write any more.
            UnstorableError: the result is not JSON, or over 5 MB.
        """
        words = storable(result, max_bytes=MAX_RESULT_BYTES)
        self._fenced(session, "save_partial", result=words, result_count=result_count)

    def succeed(
        self,
        session: Session | Step,
        result: Mapping[str, Any],
        *,
        result_count: int | None,
        partial: bool = False,
        progress: Progress | None = None,
        keys: Collection[str] = (),
        is_whole: bool = True,
    ) -> Ended:
        """End the job with its answer, and leave the text message's row in the same statement.

        Args:
            session: one opened by `Database.worker`.
            result: the answer.
            result_count: how many things it holds.
            keys: what each of them is known by; of a run of a saved search, those that are new
                are noted.
            is_whole: whether nothing is missing that might be there next time.
            partial: whether it is a part of what was asked for.
            progress: what was not reported yet.

        Raises:
            StaleFenceError: this attempt may not write any more.
            UnstorableError: the result is not JSON, or over 5 MB.
        """
        if self.saved_search_id is not None:
            session.execute(query("lock_person"), {"id": self.job_id})
            session.execute(query("lock_saved_search"), {"id": self.job_id})
            given = storable(list(keys), max_bytes=MAX_RESULT_BYTES)
            session.execute(
                query("see_items"), {**self._guard, "keys": given, "is_whole": is_whole}
            )
        return self._end(
            session,
            JobStatus.SUCCEEDED,
            result=result,
            result_count=result_count,
            partial=partial,
            progress=progress,
        )

    def fail(
        self,
        session: Session | Step,
        code: str,
        message: str,
        *,
        partial: Mapping[str, Any] | None = None,
        partial_count: int | None = None,
        progress: Progress | None = None,
    ) -> Ended:
        """End the job with a code for programs and a sentence for people; see `succeed`.

        Args:
            session: one opened by `Database.worker`.
            code: e.g. `time_limit`.
            message: what people read.
            partial: the answer so far; None keeps what `save_partial` kept.
            partial_count: how many things that holds.
            progress: what was not reported yet.
        """
        return self._end(
            session,
            JobStatus.FAILED,
            error_code=code,
            error_message=message,
            result=partial,
            result_count=partial_count,
            progress=progress,
        )

    def cancel(
        self,
        session: Session | Step,
        *,
        partial: Mapping[str, Any] | None = None,
        partial_count: int | None = None,
        progress: Progress | None = None,
    ) -> Ended:
        """End the job because its person asked for it; see `fail`."""
        return self._end(
            session,
            JobStatus.CANCELLED,
            result=partial,
            result_count=partial_count,
            progress=progress,
        )

    def retry(
        self, session: Session | Step, *, delay_seconds: float, code: str, message: str
    ) -> Ended:
        """Put the job back in the queue for the next attempt.

        Raises:
            StaleFenceError: this attempt may not write any more.
        """
        return Ended.of(
            self._fenced(
                session,
                "retry_job",
                delay_seconds=delay_seconds,
                detail=json.dumps(
                    {"code": code, "message": message, "delay_seconds": delay_seconds}
                ),
            )
        )

    def _end(
        self,
        session: Session | Step,
        status: JobStatus,
        *,
        result: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
        **columns: Any,
    ) -> Ended:
        values: dict[str, Any] = {"partial": False, "error_code": None, "error_message": None}
        values |= (progress or Progress()).columns()
        values["result"] = None if result is None else storable(result, max_bytes=MAX_RESULT_BYTES)
        return Ended.of(self._fenced(session, "finish_job", status=status, **{**values, **columns}))

    def _fenced(self, session: Session | Step, name: str, **values: Any) -> Any:
        row = session.execute(query(name), {**self._guard, **values}).one_or_none()
        if row is None:
            raise StaleFenceError
        return row

    @property
    def _guard(self) -> dict[str, Any]:
        return {"id": self.job_id, "fence": self.fence, "worker": self.worker}


def lose_attempt(
    session: Session | Step,
    job_id: UUID,
    *,
    worker: str,
    code: str,
    message: str,
    final: bool = False,
) -> Ended | None:
    """Give up the attempt of a child that is dead, at once instead of when its lease lapses.

    Args:
        session: one opened by `Database.worker`, in the child's parent.
        job_id: what it worked on.
        worker: the child, as it named itself at the claim.
        code: e.g. `worker_lost` or `time_limit`.
        message: what people read if this was the last attempt.
        final: end the job even if it has attempts left.

    Returns:
        None if that child had no such attempt any more.
    """
    row = session.execute(
        query("lose_attempt"),
        {"id": job_id, "worker": worker, "code": code, "message": message, "final": final},
    ).one_or_none()
    return None if row is None else Ended.of(row)
