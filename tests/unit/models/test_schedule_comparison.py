"""What clocks did to slots, as a table, and a year of random schedules by another library."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """The lines of the command, which ends well only if every slot came once, by the rule."""
    command = [sys.executable, "-m", "benchmarks.clock_changes"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.splitlines()


def test_the_table_has_every_slot_of_the_change_days(printed: list[str]) -> None:
    """Nine a day; clocks that are changed leap over some, and show some twice. Demand: 004-36"""
    rows = [line for line in printed if re.search(r"  \d{4}-\d\d-\d\d \d\d:\d\d( |$)", line)]
    days = {(row.split()[0], row.split()[2]) for row in rows}
    assert len(rows) == 9 * len(days)
    assert {zone for zone, _ in days} == {
        "Europe/London",
        "America/New_York",
        "Australia/Sydney",
        "Australia/Lord_Howe",
        "Asia/Seoul",
        "America/Santiago",
        "Africa/Casablanca",
    }
    assert f"{len(rows)} local slots, {len(rows)} exactly once" in "\n".join(printed)
    for what in ("leapt over it", "showed it twice"):
        zones = {row.split()[0] for row in rows if row.endswith(what)}
        assert {"Europe/London", "America/New_York", "Australia/Sydney"} <= zones
        assert "Asia/Seoul" not in zones


def test_another_library_differs_around_clock_changes_alone(printed: list[str]) -> None:
    """Each difference is listed, with the change of the clock that it is about."""
    summary = next(line for line in printed if line.startswith("200 random lines"))
    found = re.search(r"(\d+) moments differ from croniter's, (\d+) of them", summary)
    assert found is not None
    listed = [line for line in printed if re.search(r"ours \d croniter \d  change at", line)]
    assert int(found[1]) == int(found[2]) == len(listed) > 0
    assert int(re.findall(r"(\d+) slots in 2026", summary)[0]) > 50_000
