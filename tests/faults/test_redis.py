"""Redis breaks: who submits notices nothing, and every job is done once it is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

import pytest

from faults.stage import IS_LONG, Caller, Stage

AWAY_SECONDS = 60.0 if IS_LONG else 2.0
Fault = Callable[[Stage], AbstractContextManager[None]]


@contextmanager
def killed(stage: Stage) -> Iterator[None]:
    """SIGKILL; connections are refused until it is started again."""
    stage.kill_valkey()
    yield
    stage.start_valkey()


@contextmanager
def emptied(stage: Stage) -> Iterator[None]:
    """FLUSHALL while every hint waits in Redis: they are gone, and Celery's own bookkeeping."""
    stage.node_redis.stall()
    yield
    with stage.redis() as client:
        client.flushall()
    stage.node_redis.heal()


@contextmanager
def frozen(stage: Stage) -> Iterator[None]:
    """SIGSTOP: it takes connections and says nothing."""
    with stage.frozen(stage.valkey.process):
        yield


@contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """A replica whose master is gone refuses every write."""
    with stage.redis() as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("NO", "ONE")


@contextmanager
def full(stage: Stage) -> Iterator[None]:
    """`maxmemory` is reached, and the policy is to forget nothing."""
    with stage.redis() as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


@pytest.mark.parametrize("fault", [killed, emptied, frozen, read_only, full])
def test_submits_go_on_and_every_job_ends_once(stage: Stage, a: Caller, fault: Fault) -> None:
    """Each submit is a 202 in less than a second; jobs that ran go on, the others follow.

    Demand: 002-21
    """
    running = a.submit(steps=20, step_seconds=0.1).id
    stage.wait_until_running(running)
    callers = [stage.make_caller() for _ in range(3)]
    jobs: list[UUID] = [running]
    slowest = 0.0
    with fault(stage):
        began = time.monotonic()
        while not jobs[6:] or time.monotonic() - began < AWAY_SECONDS:
            for caller in callers:
                answer = caller.submit(steps=1)
                assert answer.status == 202, answer
                slowest = max(slowest, answer.seconds)
                jobs.append(answer.id)
            time.sleep(0.2)
    back = time.monotonic()
    stage.wait_until_ended(jobs, 60)
    print(
        f"redis {fault.__name__}: {len(jobs)} submits, the slowest {slowest:.3f} s; "
        f"all done {time.monotonic() - back:.1f} s after it was back"
    )
    assert slowest < 1
    stage.check_ended_once(jobs, attempts=1)
    assert all(len(stage.attempts(job)) == 1 for job in jobs)
