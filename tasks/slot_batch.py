"""What came of a batch of slots, gathered for the single statement that writes it."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models import Settings, record_operator_event
from models.ids import new_id
from models.queries import query
from models.result_link import hash_token, link_token
from models.saved_search import Telling
from models.schedule import ScheduleError
from tasks.occurrences import MISSED_AFTER, Plan, plan
from tasks.registry import JobKind, kinds
from tasks.wake import wake_person_on_commit

log = logging.getLogger(__name__)

_MOST_NAMED = 5  # of the searches that an event is about


class SlotBatch:
    """The columns of what is written about one batch, for a single statement."""

    def __init__(self, settings: Settings, *, window_seconds: float) -> None:
        """The jobs begin within so many seconds, whoever else enqueues meanwhile."""
        self._settings = settings
        self._window = window_seconds
        self._kinds = kinds()
        self._searches: list[tuple[Any, ...]] = []
        self._slots: list[tuple[Any, ...]] = []
        self._jobs: list[tuple[Any, ...]] = []
        self._links: list[tuple[Any, ...]] = []
        self._missed: list[tuple[UUID, timedelta]] = []
        self._broken: list[UUID] = []

    @property
    def slots(self) -> int:
        """How many slots are dealt with."""
        return len(self._slots)

    def add(self, search: Any, *, again_after: timedelta) -> None:
        """Decide about one search, a row of due_saved_searches.sql.

        One whose schedule nobody understands keeps its slots, and is looked at again later.
        """
        kind = self._kinds.get(search.kind)
        try:
            planned = plan(search, is_offered=kind is not None)
        except ScheduleError as error:
            # Such as a zone that the tz database has no more: it must not hold up the others.
            log.error("schedule not understood search_id=%s: %s", search.id, error)  # noqa: TRY400
            self._broken.append(search.id)
            self._searches.append((search.id, search.planned_until, search.now + again_after))
            return
        self._searches.append((search.id, planned.planned_until, planned.next_slot_at))
        job_id = None
        if planned.runs and kind is not None:
            job_id = self._add_job(search, kind)
        for decision in planned.decisions:
            slot, skip = decision.slot, decision.skip
            own = job_id if skip is None else None
            self._slots.append((search.id, slot.local, slot.cron_line, slot.due_at, own, skip))
        self._note_missed(search, planned)

    def write(self, session: Session) -> int:
        """Write all of it; return how many jobs were made."""
        values: dict[str, Any] = {}
        for names, rows in (
            (("search_ids", "planned_until", "next_slot_at"), self._searches),
            (
                ("slot_search_ids", "slot_locals", "slot_cron_lines", "slot_due_at",
                 "slot_job_ids", "slot_skipped"),
                self._slots,
            ),
            (
                ("job_ids", "job_search_ids", "job_notify", "job_max_attempts", "job_days",
                 "job_not_before"),
                self._jobs,
            ),
            (("link_ids", "link_job_ids", "link_hashes"), self._links),
        ):  # fmt: skip
            values |= _columns(names, rows)
        made = session.execute(query("enqueue_occurrences"), values).all()
        if self._missed:
            searches = sorted({str(search_id) for search_id, _ in self._missed})
            record_operator_event(
                session,
                "slot_missed",
                slots=len(self._missed),
                searches=searches[:_MOST_NAMED],
                most_late_seconds=round(max(late for _, late in self._missed).total_seconds()),
            )
        for search_id in self._broken:
            record_operator_event(session, "schedule_not_understood", str(search_id))
        for owner_id in {job.owner_id for job in made}:
            wake_person_on_commit(session, owner_id)
        return len(made)

    def _add_job(self, search: Any, kind: JobKind) -> Any:
        job_id = new_id()
        # Drawn, not counted: several processes at once need no count in common.
        wait = random.uniform(0, self._window)  # noqa: S311 - spreads load
        notify = self._notify(search)
        days = kind.retention_days or self._settings.retention_days
        not_before = search.now + timedelta(seconds=wait)
        self._jobs.append((job_id, search.id, notify, kind.max_attempts, days, not_before))
        if notify != "none":
            link_id = new_id()
            token_hash = hash_token(link_token(self._settings, link_id))
            self._links.append((link_id, job_id, token_hash))
        return job_id

    def _notify(self, search: Any) -> str:
        if self._settings.sms_provider == "none" or not search.can_be_texted:
            return "none"
        return {Telling.ALWAYS: "sms", Telling.NEW: "new", Telling.NEVER: "none"}[search.notify]

    def _note_missed(self, search: Any, planned: Plan) -> None:
        """Remember slots nobody was there for, also one that is made up for now."""
        for decision in planned.decisions:
            late = search.now - decision.slot.due_at
            if late > MISSED_AFTER:
                self._missed.append((search.id, late))


def _columns(names: Iterable[str], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    names = list(names)
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}
