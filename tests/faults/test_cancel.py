"""A person's wish that a job stops is fulfilled, whatever the job and the machines do."""

from __future__ import annotations

import signal
import time
from uuid import UUID

import psutil
from processes import wait_for

from faults.stage import LEASE_SECONDS, Caller, Stage

AT_ONCE = 2.0


def cancel_and_wait(stage: Stage, caller: Caller, job_id: UUID, within: float) -> float:
    """Cancel a job as its person would, wait for its end and return how long it took."""
    began = time.monotonic()
    reply = caller.cancel(job_id)
    assert reply.status in (200, 202), reply

    def is_cancelled() -> bool:
        return caller.ask(f"jobs/{job_id}").body["status"] == "cancelled"

    wait_for(is_cancelled, within, "the cancel")
    return time.monotonic() - began


def test_queued_job_is_cancelled_at_once_and_never_begins(stage: Stage, a: Caller) -> None:
    """Its hint still waits for a worker, which passes it by. Demand: 004-29, 004-30"""
    for name in stage.nodes:
        stage.kill_group(name, signal.SIGSTOP)
    job_id = a.submit(steps=1).id
    seconds = cancel_and_wait(stage, a, job_id, AT_ONCE)
    print(f"cancel, queued: {seconds:.2f} s")
    assert seconds < AT_ONCE
    for name in stage.nodes:
        stage.kill_group(name, signal.SIGCONT)
    later = a.submit(steps=1).id
    stage.wait_until_ended([later])
    assert stage.attempts(job_id) == []


def test_running_job_ends_within_a_heartbeat_and_keeps_what_it_found(
    stage: Stage, a: Caller
) -> None:
    job_id = a.submit("thorough", steps=200, step_seconds=0.1).id
    stage.wait_until_running(job_id)
    wait_for(lambda: stage.job(job_id)["result"], 10, "an answer so far")
    seconds = cancel_and_wait(stage, a, job_id, 10)
    row = stage.job(job_id)
    print(f"cancel, running: {seconds:.2f} s, {row['result_count']} things kept")
    assert seconds < 4
    assert row["partial"] is True
    assert row["result_count"] == row["result"]["steps"] > 0
    assert [word for word in stage.events(job_id) if "cancel" in word] == [
        "cancel_requested",
        "cancelled",
    ]


def test_kind_that_does_not_listen_loses_its_process(stage: Stage, a: Caller, b: Caller) -> None:
    job_id = a.submit("deaf").id
    pid = stage.wait_until_running(job_id).pid
    seconds = cancel_and_wait(stage, a, job_id, 30)
    wait_for(lambda: not psutil.pid_exists(pid), 10, "the end of its process")
    print(f"cancel, a kind that does not listen: {seconds:.2f} s")
    assert seconds < 15
    theirs = [b.submit(steps=1).id for _ in range(2)]
    stage.wait_until_ended(theirs, 20)
    stage.check_ended_once(theirs, attempts=1)


def test_cancel_needs_neither_workers_nor_redis(stage: Stage, a: Caller, b: Caller) -> None:
    """Everything but web and Postgres is down, and stays down."""
    running = a.submit(steps=600, step_seconds=0.1).id
    stage.wait_until_running(running)
    everything = [*stage.nodes, "maintenance", "notifications", "beat"]
    for name in everything:
        stage.keep_down(name)
        stage.kill_group(name)
    stage.kill_valkey()
    try:
        queued = b.submit(steps=1)
        assert queued.status == 202
        assert queued.seconds < 1
        for_queued = cancel_and_wait(stage, b, queued.id, AT_ONCE)
        for_running = cancel_and_wait(stage, a, running, LEASE_SECONDS + 3)
        print(f"cancel, all down: queued {for_queued:.2f} s, running {for_running:.2f} s")
    finally:
        stage.start_valkey()
        for name in everything:
            stage.bring_up(name)
    stage.wait_serving()
    assert stage.attempts(queued.id) == []
    assert stage.job(running)["status"] == "cancelled"
    after = a.submit(steps=1).id
    stage.wait_until_ended([after], 30)
