"""Turning slots that have come into jobs: in batches, by whoever is at it, each slot once.

Beats, sweepers and an outside cron may all do it at the same moment: rows that one of them has are
left alone by the others, and a slot that has its row makes no second job.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from models import Database, Settings, record_operator_event
from models.queries import query
from tasks.slot_batch import SlotBatch
from tasks.sweeping import sweeping

log = logging.getLogger(__name__)

BATCH = 500  # searches of one transaction: tens of milliseconds, which is what a failure undoes
AWAY_DAYS = 30
# Job boards are not hit all at once: scheduled searches begin at this rate, if the window allows.
STARTS_A_SECOND = 5.0
# What cannot be dealt with now may be later, as by the next release.
AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What one run of the sweep did.

    Attributes:
        searches: saved searches that were due.
        enqueued: jobs that came of it.
        skipped: slots that became none.
        is_done: whether nothing was due any more at the end.
    """

    searches: int = 0
    enqueued: int = 0
    skipped: int = 0
    is_done: bool = True

    def plus(self, other: Enqueued) -> Enqueued:
        """Return both together."""
        return Enqueued(
            self.searches + other.searches,
            self.enqueued + other.enqueued,
            self.skipped + other.skipped,
            other.is_done,
        )


def enqueue_due(
    database: Database,
    settings: Settings,
    *,
    seconds: float,
    alone: bool = False,
    only: UUID | None = None,
) -> Enqueued:
    """Deal with every slot that has come, for so many seconds at the most.

    Args:
        database: transactions are the operator's.
        settings: hold the window, the retention and whether texts are sent.
        seconds: what is left then is for the next run, or for another process.
        alone: leave it to another process that is at it.
        only: this search and no other.
    """
    run = _Run(database, settings, alone=alone, only=only)
    stop_at = time.monotonic() + seconds
    done = Enqueued(is_done=False)
    most = BATCH
    while not done.is_done and time.monotonic() < stop_at:
        try:
            done = done.plus(run.step(most))
            most = BATCH
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            # A row that the database refuses must not hold up the others, now and for ever: the
            # same again one by one, until it is alone.
            if most == 1:
                run.put_off(error)
            most = 1
    if done.searches:
        log.info(
            "enqueued saved searches count=%s skipped=%s done=%s",
            done.enqueued, done.skipped, done.is_done,
        )  # fmt: skip
    return done


class _Run:
    def __init__(
        self, database: Database, settings: Settings, *, alone: bool, only: UUID | None
    ) -> None:
        self._database = database
        self._settings = settings
        self._alone = alone
        self._only = only
        self._window: float | None = None
        self._last: UUID | None = None

    def step(self, most: int) -> Enqueued:
        """Deal with so many searches, in one transaction."""
        with sweeping(
            "enqueue due searches", alone=self._alone, database=self._database
        ) as session:
            if session is None:
                return Enqueued()
            if self._window is None:
                due = session.scalar(query("count_due_searches"), {"only": self._only}) or 0
                self._window = min(due / STARTS_A_SECOND, self._settings.spread_seconds)
            rows = session.execute(
                query("due_saved_searches"),
                {"most": most, "away_days": AWAY_DAYS, "only": self._only},
            ).all()
            if not rows:
                return Enqueued()
            self._last = rows[0].id
            batch = SlotBatch(self._settings, window_seconds=self._window)
            for row in rows:
                batch.add(row, again_after=AGAIN_AFTER)
            made = batch.write(session)
            return Enqueued(len(rows), made, batch.slots - made, is_done=False)

    def put_off(self, error: DBAPIError) -> None:
        """Leave out for a while the search that failed by itself, and tell the operators."""
        name = type(error.orig).__name__
        log.error("search not enqueued search_id=%s error=%s", self._last, name)
        with self._database.operator() as session:
            session.execute(
                query("put_off_search"), {"id": self._last, "seconds": AGAIN_AFTER.total_seconds()}
            )
            record_operator_event(session, "search_not_enqueued", str(self._last), error=name)
