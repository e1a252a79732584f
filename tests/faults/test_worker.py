"""Workers die, freeze and are stopped, wherever they are in a job: each job still ends once."""

from __future__ import annotations

import signal
import time
from uuid import UUID

import psutil
import pytest
from processes import wait_for

from faults.stage import IS_LONG, LEASE_SECONDS, PHASES, Caller, Stage

RECOVERY_SECONDS = 90.0 if IS_LONG else 45.0


def submit_to_all_slots(stage: Stage, kind: str, **params: float) -> list[UUID]:
    """Submit a job for each process of each node, each somebody else's."""
    slots = len(stage.nodes) * stage.concurrency
    return [stage.make_caller().submit(kind, **params).id for _ in range(slots)]


@pytest.mark.parametrize("deed", ["crash", "kill"])
@pytest.mark.parametrize("step", ["claim", "heartbeat", "checkpoint", "partial", "retry", "finish"])
def test_killed_at_each_point_of_a_job(stage: Stage, step: str, deed: str) -> None:
    """kill -9 of the node or of the one process, before, inside and after each write."""
    armed = [stage.arm(f"{step}:{phase}", deed) for phase in PHASES]
    if step == "retry":
        jobs = submit_to_all_slots(stage, "wobbly", falters=3, steps=1)
    else:
        jobs = submit_to_all_slots(stage, "thorough", steps=8, step_seconds=0.15)
    began = time.monotonic()
    wait_for(lambda: not any(each.exists() for each in armed), 60, f"{deed} at each point")
    hit = time.monotonic()
    rows = stage.wait_until_ended(jobs, RECOVERY_SECONDS)
    print(
        f"{deed} at {step} ({', '.join(PHASES)}): all hit in {hit - began:.1f} s, all jobs done "
        f"{time.monotonic() - hit:.1f} s later in {[row['attempt'] for row in rows.values()]}"
    )
    stage.check_ended_once(jobs)


def test_committed_end_is_not_done_again(stage: Stage, a: Caller) -> None:
    """Killed after the commit and before anybody was told: the job is done, and stays it."""
    armed = stage.arm("finish:committed", "crash")
    job_id = a.submit(steps=1).id
    wait_for(lambda: not armed.exists(), what="the crash")
    row = stage.wait_until_ended([job_id], 5)[job_id]
    later = a.submit(steps=1).id  # its turn comes all the same
    stage.wait_until_ended([later])
    assert stage.job(job_id) == row
    stage.check_ended_once([job_id], attempts=1)
    assert len(stage.attempts(job_id)) == 1


@pytest.mark.parametrize("point", ["checkpoint:before", "checkpoint:inside", "finish:before"])
def test_frozen_past_its_lease_and_woken_up(stage: Stage, a: Caller, point: str) -> None:
    """SIGSTOP for longer than the lease: another worker finishes, and the late one is refused."""
    armed = stage.arm(point, "freeze")
    job_id = a.submit(steps=3, step_seconds=0.2).id
    wait_for(lambda: not armed.exists(), what="the freeze")
    if point.endswith("inside"):
        # It holds the row in an open transaction: the sweeps pass it by and nobody else waits.
        time.sleep(LEASE_SECONDS + 2)
        other = stage.make_caller().submit(steps=1).id
        stage.wait_until_ended([other], 10)
        if IS_LONG:  # Postgres ends the transaction, and a sweep the wait
            wait_for(lambda: len(stage.attempts(job_id)) == 2, 45, "the second attempt")
    else:
        wait_for(lambda: len(stage.attempts(job_id)) == 2, 20, "the second attempt")
        row = stage.wait_until_ended([job_id])[job_id]
    for name in stage.nodes:
        stage.kill_group(name, signal.SIGCONT)
    if not point.endswith("inside"):
        first = stage.attempts(job_id)[0]
        wait_for(lambda: stage.attempts(job_id)[0].left, 20, "the late one's end")
        assert stage.job(job_id) == row
        assert first.number == 1
        assert row["attempt"] == 2
    stage.wait_until_ended([job_id], RECOVERY_SECONDS)
    stage.check_ended_once([job_id])


def test_whole_node_frozen_past_its_lease(stage: Stage) -> None:
    """Both processes and the main one, as a machine that was suspended."""
    jobs = submit_to_all_slots(stage, "steady", steps=30, step_seconds=0.15)
    for job_id in jobs:
        stage.wait_until_running(job_id)
    stage.kill_group("work-1", signal.SIGSTOP)
    rows = stage.wait_until_ended(jobs, RECOVERY_SECONDS)
    stage.kill_group("work-1", signal.SIGCONT)
    late = [job_id for job_id in jobs if rows[job_id]["attempt"] > 1]
    assert late
    for job_id in late:
        wait_for(lambda job_id=job_id: stage.attempts(job_id)[0].left, 20, "the late one's end")
    assert stage.wait_until_ended(jobs) == rows
    stage.check_ended_once(jobs)


@pytest.mark.parametrize(
    ("kind", "code", "attempts"),
    [("segfault", "worker_lost", 2), ("glutton", "memory_limit", 1), ("poison", "worker_lost", 3)],
)
def test_poison_ends_after_its_attempts_and_hurts_nobody_else(
    stage: Stage, a: Caller, b: Caller, kind: str, code: str, attempts: int
) -> None:
    """A job that kills its process, or takes all memory: failed with a sentence."""
    theirs = [b.submit(steps=10, step_seconds=0.1).id for _ in range(2)]
    for job_id in theirs:
        stage.wait_until_running(job_id)
    began = time.monotonic()
    poisoned = a.submit(kind).id
    row = stage.wait_until_ended([poisoned], RECOVERY_SECONDS)[poisoned]
    print(f"{kind}: failed after {time.monotonic() - began:.1f} s, {row['attempt']} attempts")
    assert (row["status"], row["error_code"], row["attempt"]) == ("failed", code, attempts)
    assert row["error_message"]
    stage.wait_until_ended(theirs)
    stage.check_ended_once(theirs, attempts=1)


def test_native_code_that_holds_everything_loses_its_job_and_then_its_process(
    stage: Stage, a: Caller, b: Caller
) -> None:
    """No thread of its process runs, so its lease lapses; the hard limit gives the slot back."""
    stage.web_redis.cut()  # so that a node sends the hint, whose hard limit is sooner here
    hung = a.submit("holds_the_gil").id
    pid = stage.wait_until_running(hung).pid
    stage.web_redis.heal()
    began = time.monotonic()
    theirs = b.submit(steps=1).id
    stage.wait_until_ended([theirs], 7)  # before the hung one is killed
    row = stage.wait_until_ended([hung], 20)[hung]
    failed = time.monotonic() - began
    wait_for(lambda: not psutil.pid_exists(pid), 20, "the end of its process")
    print(
        f"held the GIL: failed ({row['error_code']}) after {failed:.1f} s, "
        f"killed after {time.monotonic() - began:.1f} s"
    )
    assert (row["status"], row["error_code"]) == ("failed", "worker_lost")
    assert not stage.attempts(hung)[-1].left
    stage.check_ended_once([theirs], attempts=1)


def test_stopped_node_hands_its_jobs_back_at_once(stage: Stage, a: Caller) -> None:
    """SIGTERM in mid-job: another node has it within two seconds, and no attempt is counted."""
    job_id = a.submit(steps=30, step_seconds=0.1).id
    stage.wait_until_running(job_id)
    wait_for(lambda: len(stage.attempts(job_id)[0].steps) > 2, what="some steps")
    name = str(stage.job(job_id)["worker"]).partition("@")[0]
    began = time.monotonic()
    stage.kill(stage.pid(name), signal.SIGTERM)
    wait_for(lambda: len(stage.attempts(job_id)) == 2, 10, "the second worker")
    seconds = time.monotonic() - began
    print(f"SIGTERM: another node began after {seconds:.2f} s")
    assert seconds < 2
    stage.wait_until_ended([job_id])
    stage.check_ended_once([job_id], attempts=1)
    assert "handed_back" in stage.events(job_id)
