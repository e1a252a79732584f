"""Clocks go wrong and beat goes missing: the same happens, for only the database's time counts."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from processes import wait_for

from faults.stage import IS_LONG, LEASE_SECONDS, Caller, Stage

HOUR = 3600
RECOVERY_SECONDS = 40.0 if IS_LONG else 20.0


def lose_the_hints(stage: Stage, callers: list[Caller]) -> list[UUID]:
    """Submit a job of each, of which no worker ever hears."""
    stage.node_redis.stall()
    jobs = [caller.submit(steps=1).id for caller in callers]
    with stage.redis() as client:
        wait_for(lambda: client.llen("interactive"), 10, "the hints")
        time.sleep(0.2)
        client.delete("interactive")
    stage.node_redis.heal()
    return jobs


def lose_a_worker(stage: Stage, caller: Caller) -> UUID:
    """Let a node die in the middle of a job."""
    job_id = caller.submit(steps=6, step_seconds=0.1).id
    stage.wait_until_running(job_id)
    name = str(stage.job(job_id)["worker"]).partition("@")[0]
    stage.kill_group(name)
    return job_id


def test_two_beats_do_nothing_twice(stage: Stage) -> None:
    """Each sweep comes twice, from beat and its double, and from every node besides."""
    stage.start_beat("beat-2")
    try:
        callers = [stage.make_caller() for _ in range(12)]
        lost = lose_a_worker(stage, callers[0])  # before it could have one of the others
        jobs = lose_the_hints(stage, callers)
        stage.wait_until_ended([lost, *jobs], RECOVERY_SECONDS)
        stage.check_ended_once([lost, *jobs])
        assert [stage.job(job_id)["attempt"] for job_id in jobs] == [1] * 12
    finally:
        stage.stop_process("beat-2")


def test_no_beat_is_missed(stage: Stage) -> None:
    """Neither beat nor the worker it sends sweeps to: each node sweeps for itself."""
    for name in ("beat", "maintenance"):
        stage.keep_down(name)
        stage.kill_group(name)
    try:
        callers = [stage.make_caller() for _ in range(12)]
        jobs = lose_the_hints(stage, callers)
        jobs.append(lose_a_worker(stage, callers[0]))
        began = time.monotonic()
        stage.wait_until_ended(jobs, RECOVERY_SECONDS)
        print(
            f"no beat: lost hints and a lost worker made good in {time.monotonic() - began:.1f} s"
        )
        stage.check_ended_once(jobs)
    finally:
        for name in ("maintenance", "beat"):
            stage.bring_up(name)


@pytest.fixture
def shifted(tmp_path: Path) -> Callable[[int, str], dict[str, str]]:
    """Return a function that makes the environment of a process whose clock is wrong."""
    if shutil.which("cc") is None or sys.platform != "linux":
        pytest.skip("a C compiler on Linux makes what shifts the clock of a process")
    library = tmp_path / "clock_shift.so"
    source = Path(__file__).with_name("clock_shift.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)

    def environment(hours: int, zone: str) -> dict[str, str]:
        return {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(hours * HOUR), "TZ": zone}

    return environment


def test_clocks_an_hour_off_change_nothing(
    stage: Stage, shifted: Callable[[int, str], dict[str, str]]
) -> None:
    """One node an hour ahead and one behind, in other zones, and a web process ahead.

    Jobs that take longer than their lease keep it, a dead worker's is found in time, and what the
    rows say of times is the database's.
    """
    clocks = {"fast": shifted(+1, "Asia/Seoul"), "slow": shifted(-1, "America/St_Johns")}
    for name in stage.nodes:
        stage.keep_down(name)
        stage.kill_group(name)
    try:
        for name, environment in clocks.items():
            stage.start_node(name, **environment)
        address = stage.start_web("web-2", **shifted(+1, "Asia/Seoul"))
        stage.wait_web("web-2")
        for name in clocks:
            wait_for(lambda name=name: stage.is_node_ready(name), 60, name)
        callers = [stage.make_caller("web-2") for _ in range(4)]
        assert address == callers[0].address
        began = stage.rows("select now()")[0]["now"]
        long = LEASE_SECONDS * 2 + 1
        jobs = [caller.submit(steps=long * 5, step_seconds=0.2).id for caller in callers]
        rows = stage.wait_until_ended(jobs, 60)
        stage.check_ended_once(jobs, attempts=1)  # nobody was taken for dead
        workers = {str(row["worker"]).partition("@")[0] for row in rows.values()}
        assert workers == set(clocks)
        ended = stage.rows("select now()")[0]["now"]
        for row in rows.values():
            assert began <= row["created_at"] <= row["started_at"] <= row["finished_at"] <= ended
        lost = lose_a_worker(stage, callers[0])
        killed = time.monotonic()
        stage.wait_until_ended([lost], RECOVERY_SECONDS)
        print(f"clocks an hour off: a dead node's job done {time.monotonic() - killed:.1f} s later")
        hints_lost = lose_the_hints(stage, callers)
        stage.wait_until_ended(hints_lost, RECOVERY_SECONDS)
        stage.check_ended_once([lost, *hints_lost])
    finally:
        for name in (*clocks, "web-2"):
            stage.kill_group(name, signal.SIGCONT)
            stage.stop_process(name)
        for name in stage.nodes:
            stage.bring_up(name)
