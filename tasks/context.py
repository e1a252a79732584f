"""What a kind is given to work with: progress, cancel, checkpoints, inputs and providers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from models import Claim, Database, Job, Progress, Settings, Upload
from models.errors import StaleFenceError
from tasks.errors import Cancelled, JobError
from tasks.fetch import Fetched, fetch
from tasks.heartbeat import Heartbeat, Partial
from tasks.providers import Providers
from tasks.recording import record
from tasks.registry import JobKind

T = TypeVar("T")

# 100 % is said by the end alone.
_ALMOST = 99


class JobContext:
    """One attempt of one job, as its kind sees it.

    Every method that takes a step raises Cancelled when the person asked for it, and
    StaleFenceError when another attempt has the job: let both pass.
    """

    def __init__(
        self,
        *,
        kind: JobKind,
        claim: Claim,
        heartbeat: Heartbeat,
        database: Database,
        settings: Settings,
    ) -> None:
        """Made by the runner."""
        self.job_id = claim.job_id
        self.attempt = claim.attempt
        self.settings = settings
        self.providers = Providers(database, settings)
        self._kind = kind
        self._claim = claim
        self._heartbeat = heartbeat
        self._database = database
        self._progress = Progress()

    @property
    def last_checkpoint(self) -> dict[str, Any] | None:
        """What an earlier attempt saved, or None at the first."""
        return self._claim.checkpoint

    def progress(
        self,
        done: int,
        *,
        total: int,
        unit: str | None = None,
        stage: str | None = None,
        eta_seconds: float | None = None,
    ) -> None:
        """Say that `done` of `total` steps are behind us; `stage` is what comes now, in words."""
        self.raise_if_stopped()
        percent = min(_ALMOST, 100 * done // max(total, 1))
        self._progress = Progress(
            percent=max(percent, self._progress.percent),
            done=done,
            total=total,
            unit=unit or self._progress.unit,
            stage=stage or self._progress.stage,
            eta_seconds=None if eta_seconds is None else max(0, round(eta_seconds)),
        )
        self._heartbeat.report(self._progress)

    def track(
        self,
        items: Iterable[T],
        *,
        unit: str,
        stage: str,
        total: int | None = None,
    ) -> Iterator[tuple[int, T]]:
        """Yield (how many are done, item), reporting progress and the time left before each."""
        if total is None:
            total = len(items) if isinstance(items, Sized) else 0
        began = time.monotonic()
        for done, item in enumerate(items):
            elapsed = time.monotonic() - began
            left = elapsed / done * (total - done) if done else None
            self.progress(done, total=total, unit=unit, stage=stage, eta_seconds=left)
            yield done, item
        self.progress(total, total=total, unit=unit, stage=stage, eta_seconds=0)

    def raise_if_stopped(self) -> None:
        """Raise Cancelled or StaleFenceError when this attempt should end."""
        if self._heartbeat.lost:
            raise StaleFenceError
        if self._heartbeat.cancel_requested:
            raise Cancelled

    def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Keep what the next attempt goes on from; JSON, 5 MB at most."""
        self.raise_if_stopped()
        record(self._database, lambda step: self._claim.save_checkpoint(step, state))

    def partial(self, result: BaseModel, *, count: int | None = None) -> None:
        """Keep the answer so far: if the job is stopped it stays, labelled as a part.

        Args:
            result: the kind's Result; a success replaces it.
            count: how many things it holds; what the kind's own `count` says unless given.
        """
        if count is None and self._kind.count is not None:
            count = self._kind.count(result)
        self._heartbeat.keep(Partial(result.model_dump(mode="json"), count))
        self.raise_if_stopped()

    def fetch(self, url: str, *, max_bytes: int = 20_000_000, accept: str = "*/*") -> Fetched:
        """Get a public address; private ones are refused, before and after every redirect."""
        self.raise_if_stopped()
        return fetch(url, max_bytes=max_bytes, accept=accept)

    def read_upload(self, upload_id: UUID) -> bytes:
        """Return an uploaded file of the job's person.

        Raises:
            JobError: it is not there any more.
        """
        self.raise_if_stopped()
        with self._database.worker() as session:
            # The owner of this moment: accounts may be merged while a job runs.
            owner_id = select(Job.owner_id).where(Job.id == self.job_id).scalar_subquery()
            upload = session.scalar(
                select(Upload).where(Upload.id == upload_id, Upload.owner_id == owner_id)
            )
            if upload is None:
                raise JobError("upload_gone", "The uploaded file is not there any more.")
            return b"".join(upload.chunks(session))
