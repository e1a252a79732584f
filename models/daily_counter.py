"""What was used up of each day's caps: counted in Postgres, or what costs money does not happen."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import LargeBinary, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base

_TODAY = text("(clock_timestamp() at time zone 'UTC')::date")


class DailyCounter(Base):
    """How often something was done on one day (UTC), by one key of one scope."""

    __tablename__ = "daily_counters"

    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    count: Mapped[int]


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many a day of one key.

    Attributes:
        scope: what is counted, e.g. `code_number`; also the name in an operator's event.
        key: a keyed hash or an id of ours, never a number or an address in clear.
        most: how many a day.
    """

    scope: str
    key: bytes
    most: int


def spend(session: Session, caps: Sequence[Cap]) -> tuple[Cap, int] | None:
    """Count one use against each cap, in the caller's transaction.

    Returns:
        None if all allow it. Else the cap that is used up and how often it has been asked since,
        1 for the first time: the caller must not do it. Refused uses count too, but only against
        that one cap.
    """
    # In one order everywhere, so that two who ask at once never wait for each other.
    counted: list[Cap] = []
    for cap in sorted(caps, key=lambda cap: (cap.scope, cap.key)):
        count = session.scalar(
            insert(DailyCounter)
            .values(day=_TODAY, scope=cap.scope, key=cap.key, count=1)
            .on_conflict_do_update(
                index_elements=["day", "scope", "key"], set_={"count": DailyCounter.count + 1}
            )
            .returning(DailyCounter.count)
        )
        assert count is not None  # noqa: S101 - an upsert returns its row
        if count > cap.most:
            for one in counted:
                _give_back(session, one)
            return cap, count - cap.most
        counted.append(cap)
    return None


def _give_back(session: Session, cap: Cap) -> None:
    """Take back what was counted a moment ago, under the lock on its row that we still have."""
    session.execute(
        update(DailyCounter)
        .where(
            DailyCounter.day == _TODAY, DailyCounter.scope == cap.scope, DailyCounter.key == cap.key
        )
        .values(count=DailyCounter.count - 1)
        .execution_options(synchronize_session=False)
    )
