"""Shows what schedules do when clocks are changed, and where another library does otherwise.

    python -m benchmarks.clock_changes             # the table of slots, then the comparison
    python -m benchmarks.clock_changes --seed 7    # with other lines and zones

The table has each default time and 00:30, 01:30, 02:30 on every day of 2026 and 2027 on which a
zone's clock is changed. Slots are found as the sweep finds them, one short window after the other,
and held against a walk through the minutes of the wall's clock. Then a year of 200 random cron
lines and zones is held against croniter. The exit code is 1 if a local slot does not come exactly
once at the moment that the rule says, or the two differ anywhere but around a change of the clock.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from cronsim import CronSim

from models.schedule import Schedule, Slot
from models.simple_schedule import simple_lines
from models.wall_clock import clock_changes_between

DEFAULT_TIMES = ("08:00", "10:00", "14:00", "16:00", "16:45", "22:00")
EARLY_TIMES = ("00:30", "01:30", "02:30")
TIMES = sorted((*DEFAULT_TIMES, *EARLY_TIMES))
ZONES = (
    "Europe/London",
    "America/New_York",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Asia/Seoul",
    "America/Santiago",
    "Africa/Casablanca",
)
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
# A zone whose clock is left alone is looked at on the days of this one.
INSTEAD = "Europe/London"
WINDOW = timedelta(seconds=305)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAIRS = 200
YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


class Wall:
    """A clock on a wall, read minute by minute; it knows nothing of how slots are found."""

    def __init__(self, zone: str, start: datetime, end: datetime) -> None:
        where = ZoneInfo(zone)
        self.first: dict[datetime, datetime] = {}
        self.times: Counter[datetime] = Counter()
        highest = None
        moment = start.replace(second=0, microsecond=0)
        while moment < end:
            shown = moment.astimezone(where).replace(tzinfo=None)
            self.times[shown] += 1
            # Every local minute up to what the wall shows has come now, if not before.
            while highest is None or highest < shown:
                highest = shown if highest is None else highest + MINUTE
                self.first[highest] = moment
            moment += MINUTE

    def did(self, shown: datetime) -> str:
        """Return what the clock did with a local time."""
        return {0: "leapt over it", 1: "", 2: "showed it twice"}[self.times[shown]]


def change_days(zone: str) -> list[date]:
    """Return the local days that a change of the clock touches; at midnight there are two."""
    days = set()
    for moment, before, after in clock_changes_between(BEGIN, END, zone):
        shown = moment.replace(tzinfo=None)
        for local in (shown + before, shown + after, shown + before - MINUTE):
            days.add(local.date())
    return sorted(days) or change_days(INSTEAD)


def table() -> int:
    """Print the slots of the change days; return how many are wrong."""
    wrong = lines = 0
    for zone in ZONES:
        schedule = Schedule(simple_lines(TIMES), zone)
        for day in change_days(zone):
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            start, end = noon - 3 * DAY, noon + 3 * DAY
            wall = Wall(zone, start, end)
            found: Counter[Slot] = Counter()
            after = start
            while after < end:
                found.update(schedule.slots(after, min(after + WINDOW, end)))
                after += WINDOW
            for clock in TIMES:
                shown = datetime.fromisoformat(f"{day} {clock}")
                slots = [slot for slot in found.elements() if slot.local == shown]
                right = len(slots) == 1 and slots[0].due_at == wall.first[shown]
                wrong, lines = wrong + (not right), lines + 1
                moments = ", ".join(f"{slot.due_at:%Y-%m-%d %H:%M}" for slot in slots) or "never"
                said = f"{'' if right else 'WRONG '}{wall.did(shown)}"
                print(f"{zone:20} {day:%a} {shown:%Y-%m-%d %H:%M}  {moments:16}  {said}".rstrip())
    print(f"{lines} local slots, {lines - wrong} exactly once and at the moment of the rule")
    return wrong


def random_line(rng: random.Random) -> str:
    """Return a cron line that comes a few times a day or less often, or, seldom, often."""
    minute = str(rng.randrange(60))
    if rng.random() < 0.2:
        minute = f"{rng.randrange(30)},{rng.randrange(30, 60)}"
    if rng.random() < 0.05:
        minute = f"*/{rng.choice([15, 20, 30])}"
    hour = rng.choice(
        [
            str(rng.randrange(24)),
            str(rng.randrange(4)),
            ",".join(map(str, sorted(rng.sample(range(24), 3)))),
            f"{rng.randrange(3)}-{rng.randrange(3, 8)}",
            f"*/{rng.choice([3, 4, 6])}",
            str(rng.randrange(4)),
            rng.choice(["*", "1-3"]),
        ]
    )
    day = rng.choice(["*"] * 5 + [str(rng.randrange(1, 29)), "1,15", "*/2", "L"])
    month = rng.choice(["*"] * 6 + ["3,10", "1-6", "*/2"])
    weekday = rng.choice(["*"] * 5 + ["1-5", "6,0", "MON", str(rng.randrange(7)), "SUN"])
    return f"{minute} {hour} {day} {month} {weekday}"


def theirs(line: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the moments that croniter finds, in UTC."""
    # Debian's cron takes a day and a weekday together if one of them begins with a star.
    found = croniter(line, start.astimezone(ZoneInfo(zone)), implement_cron_bug=True)
    moments = []
    while (moment := found.get_next(datetime).astimezone(UTC)) <= end:
        moments.append(moment)
    return moments


@dataclass(frozen=True)
class Difference:
    """A moment that one of the two has and the other has not, or not as often."""

    line: str
    zone: str
    moment: datetime
    ours: int
    theirs: int
    near: datetime | None
    is_rule: bool

    @property
    def is_right(self) -> bool:
        """Whether it is about a change of the clock, and ours what the rule says."""
        return self.near is not None and self.is_rule

    def __str__(self) -> str:
        local = self.moment.astimezone(ZoneInfo(self.zone))
        change = f"change at {self.near:%m-%d %H:%M}Z" if self.near else "NO CHANGE NEAR"
        return (
            f"{self.zone:32} {self.line:24} {local:%Y-%m-%d %H:%M%z}  ours {self.ours} "
            f"croniter {self.theirs}  {change}{'' if self.is_rule else '  NOT THE RULE'}"
        )


def differences(line: str, zone: str) -> Iterator[Difference]:
    """Yield where the two differ in the year, moment by moment."""
    start, end = YEAR
    slots = Schedule((line,), zone).slots(start, end, most=10**6)
    ours = Counter(slot.due_at for slot in slots)
    others = Counter(theirs(line, zone, start, end))
    # So long as the change is large: an hour nearly everywhere.
    changes = [
        (change, max(HOUR, abs(after - before)))
        for change, before, after in clock_changes_between(start - DAY, end + DAY, zone)
    ]
    for moment in sorted(moment for moment in ours | others if ours[moment] != others[moment]):
        near = [change for change, size in changes if abs(change - moment) <= size]
        due = [slot for slot in slots if slot.due_at == moment]
        yield Difference(
            line=line,
            zone=zone,
            moment=moment,
            ours=ours[moment],
            theirs=others[moment],
            near=near[0] if near else None,
            is_rule=is_rule(line, zone, moment, due),
        )


def is_rule(line: str, zone: str, moment: datetime, due: list[Slot]) -> bool:
    """Whether these are the slots of a moment, by the clock on the wall."""
    wall = Wall(zone, moment - 4 * HOUR, moment + 4 * HOUR)
    come = {shown for shown, first in wall.first.items() if first == moment}
    named = {shown for shown in come if next(CronSim(line, shown - MINUTE)) == shown}
    return sorted(slot.local for slot in due) == sorted(named)


def comparison(seed: int) -> int:
    """Print every difference from croniter; return how many are not about a change."""
    rng = random.Random(seed)
    zones = sorted(name for name in available_timezones() if "/" in name)
    changing = [zone for zone in zones if len(clock_changes_between(*YEAR, zone)) > 0]
    wrong = listed = slots = 0
    for n in range(PAIRS):
        # Every other one where there is something to differ about.
        line, zone = random_line(rng), rng.choice(changing if n % 2 else zones)
        slots += len(Schedule((line,), zone).slots(*YEAR, most=10**6))
        for difference in differences(line, zone):
            print(difference)
            listed, wrong = listed + 1, wrong + (not difference.is_right)
    print(
        f"{PAIRS} random lines and zones (seed {seed}), {slots} slots in 2026: {listed} moments "
        f"differ from croniter's, {listed - wrong} of them at a change of the clock and by the rule"
    )
    return wrong


def main() -> int:
    """Print both, and say whether all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=2026, help="of the random lines and zones")
    seed = parser.parse_args().seed
    began = time.perf_counter()
    wrong = table()
    print()
    wrong += comparison(seed)
    print(f"{time.perf_counter() - began:.0f} s")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
