"""What the database says about the jobs of one example, seen past row level security."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

_READ = """
    select j.id, j.owner_id, j.queue, j.status, j.attempt, j.max_attempts, j.fence, j.progress,
           j.version, j.notify, j.partial, j.result, j.checkpoint,
           j.dispatched_at is not null as in_line,
           j.hinted_at is not null as hinted,
           j.lease_until is not null as leased,
           coalesce(j.not_before <= clock_timestamp(), true) as due,
           j.cancel_requested_at is not null as cancel_requested,
           md5(j::text) as image,
           array(select event from job_events e where e.job_id = j.id order by e.id) as events,
           (select count(*) from notifications n where n.job_id = j.id) as texts
    from jobs j
    where j.owner_id = any(%s)
    order by j.id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One job as it stands; `image` changes with any byte of it."""

    id: UUID
    owner_id: UUID
    queue: str
    status: str
    attempt: int
    max_attempts: int
    fence: int
    progress: int
    version: int
    notify: str
    partial: bool
    result: dict[str, Any] | None
    checkpoint: dict[str, Any] | None
    in_line: bool
    hinted: bool
    leased: bool
    due: bool
    cancel_requested: bool
    image: str
    events: list[str]
    texts: int

    @property
    def ended(self) -> bool:
        """Whether nothing may change any more."""
        return self.status in ("succeeded", "failed", "cancelled")


Snapshot = dict[UUID, Row]


def read(connection: psycopg.Connection[Any], owners: list[UUID]) -> Snapshot:
    """Return all jobs of these people in one look."""
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        return {row.id: row for row in cursor.execute(_READ, (owners,))}
