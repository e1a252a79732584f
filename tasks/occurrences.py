"""What becomes of a saved search's slots that have come: one row each, and at most one job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.occurrence import Skip
from models.saved_search import schedule_of
from models.schedule import Slot

# A slot that is dealt with later than this was missed: beat sends the sweep every 5 s.
MISSED_AFTER = timedelta(minutes=5)
# So many slots of one search are dealt with at a time; after a long outage the rest comes next.
MOST_SLOTS = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one slot: a job, unless `skip` says why not."""

    slot: Slot
    skip: Skip | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of all slots of one search that have come.

    Attributes:
        decisions: oldest first; at most the last one runs.
        planned_until: slots up to here are dealt with by this.
        next_slot_at: when the search is due again; None for never.
    """

    decisions: tuple[Decision, ...]
    planned_until: datetime
    next_slot_at: datetime | None

    @property
    def runs(self) -> bool:
        """Whether a job comes of it."""
        return bool(self.decisions) and self.decisions[-1].skip is None


def plan(search: Any, *, is_offered: bool) -> Plan:
    """Decide about the slots of one search.

    Args:
        search: a row of due_saved_searches.sql, locked.
        is_offered: whether this server has its kind.
    """
    schedule, now = schedule_of(search), search.now
    slots = schedule.slots(search.planned_until, now, most=MOST_SLOTS + 1)
    if len(slots) > MOST_SLOTS:
        # The newest is not among these, or waits for the next sweep, which goes on behind them.
        until = slots[MOST_SLOTS - 1].due_at
        whole = tuple(Decision(slot, Skip.MISSED) for slot in slots if slot.due_at <= until)
        return Plan(whole, until, until)
    following = schedule.next(now)
    return Plan(
        tuple(_decide(search, slots, now, is_offered=is_offered)),
        now,
        following[0].due_at if following else None,
    )


def _decide(
    search: Any, slots: Sequence[Slot], now: datetime, *, is_offered: bool
) -> list[Decision]:
    """Let the newest slot run, if nothing is against it; those before it are over."""
    if not slots:
        return []
    *earlier, newest = slots
    decisions = [
        Decision(slot, Skip.SUPERSEDED if now - slot.due_at <= MISSED_AFTER else Skip.MISSED)
        for slot in earlier
    ]
    return [*decisions, Decision(newest, _why_not(search, now - newest.due_at, is_offered))]


def _why_not(search: Any, late: timedelta, is_offered: bool) -> Skip | None:
    limit = timedelta(seconds=search.missed_limit_seconds)
    if late > MISSED_AFTER and (search.missed == "skip" or late > limit):
        return Skip.MISSED
    if not is_offered:
        return Skip.NOT_OFFERED
    if search.is_away:
        return Skip.AWAY
    if search.is_running and search.overlap == "skip":
        return Skip.STILL_RUNNING
    return None
