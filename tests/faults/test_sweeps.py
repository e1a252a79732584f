"""Many sweeps over one backlog, one of them killed in the middle: each job is swept once."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from faults.proxy import Effect
from faults.stage import Caller, Stage

# People, each with a job whose worker is gone for long, or which waits and was never hinted at.
BACKLOG = """
    with person as (
        insert into users (id) select uuidv7() from generate_series(1, %(people)s) returning id
    ), copied as (
        insert into jobs (id, owner_id, kind, queue, source, params, max_attempts, expires_at)
        select uuidv7(), person.id, kind, queue, source, params, max_attempts, expires_at
        from jobs, person where jobs.id = %(job)s
        returning id, owner_id
    ), event as (
        insert into job_events (job_id, owner_id, event) select id, owner_id, 'enqueued' from copied
    )
    select id from copied
"""
LAPSE = """
    update jobs set status = 'running', attempt = 1, fence = 1, worker = 'gone@nowhere/1/2',
           lease_until = now() - interval '1 minute', started_at = now() - interval '2 minutes',
           dispatched_at = now() - interval '2 minutes'
    where id = any(%s)
"""
PEOPLE = 120


class Sweep:
    """A process that sweeps once it is told to."""

    def __init__(self, stage: Stage, name: str, **environment: str) -> None:
        with (stage.logs / "sweep.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.sweep", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **stage.environment, **environment},
            )

    def __enter__(self) -> Sweep:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def go(self) -> None:
        """Begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def count(self) -> int:
        """Return how many jobs it swept."""
        assert self._process.stdout is not None
        return int(json.loads(self._process.stdout.readline())["count"])

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def nobody_else(stage: Stage) -> Iterator[None]:
    """Without nodes and beat, only the test's own processes sweep, and nobody takes a hint."""
    everything = [*stage.nodes, "maintenance", "beat"]
    for name in everything:
        stage.keep_down(name)
        stage.kill_group(name)
    try:
        yield
    finally:
        for name in everything:
            stage.bring_up(name)


@pytest.fixture
def backlog(stage: Stage, a: Caller) -> Iterator[list[UUID]]:
    """Jobs of as many people; nobody does anything about them."""
    template = a.submit(steps=1).id
    stage.wait_until_ended([template])
    with nobody_else(stage):
        with stage.owner_connection() as connection:
            rows = connection.execute(BACKLOG, {"people": PEOPLE, "job": template}).fetchall()
        with stage.redis() as client:
            client.flushdb()
        jobs = [row["id"] for row in rows]
        yield jobs
    stage.wait_serving()
    stage.wait_until_ended(jobs)
    stage.check_ended_once(jobs)


def hints(stage: Stage) -> Counter[str]:
    """Return how many messages about each job wait in Redis."""
    with stage.redis() as client:
        messages = [json.loads(raw) for raw in client.lrange("interactive", 0, -1)]
    bodies = [json.loads(base64.b64decode(message["body"])) for message in messages]
    return Counter(body[0][0] for body in bodies)


def lapse(stage: Stage, jobs: list[UUID]) -> None:
    """Let the workers of these jobs be gone for a minute."""
    with stage.owner_connection() as connection:
        connection.execute(LAPSE, [jobs])


def check_rescued_once(stage: Stage, jobs: list[UUID]) -> None:
    """Look that each job lost one attempt, and that this was told once."""
    told = stage.rows(
        "select job_id, count(*) as n from job_events where event = 'rescued'"
        " and job_id = any(%s) group by job_id",
        jobs,
    )
    assert {row["job_id"]: row["n"] for row in told} == dict.fromkeys(jobs, 1)
    rows = stage.rows("select status, attempt, fence from jobs where id = any(%s)", jobs)
    assert {(row["status"], row["attempt"], row["fence"]) for row in rows} == {("queued", 1, 2)}


@pytest.mark.parametrize("sweep", ["rescue", "dispatch"])
def test_four_sweeps_at_once(stage: Stage, backlog: list[UUID], sweep: str) -> None:
    """Together they do what one would: each job is put back once and hinted at once."""
    if sweep == "rescue":
        lapse(stage, backlog)
    with (
        Sweep(stage, sweep) as one,
        Sweep(stage, sweep) as two,
        Sweep(stage, sweep) as three,
        Sweep(stage, sweep) as four,
    ):
        for each in (one, two, three, four):
            each.go()
        counts = [each.count() for each in (one, two, three, four)]
    found = hints(stage)
    print(f"four times {sweep} at once: {counts}, {len(found)} hints")
    assert set(found.values()) == {1}
    if sweep == "rescue":
        assert sum(counts) == PEOPLE
        check_rescued_once(stage, backlog)
    else:
        assert sum(counts) == sum(found.values())


def test_sweep_killed_in_the_middle_of_its_batch(stage: Stage, backlog: list[UUID]) -> None:
    """It has marked its batch and dies before it commits: the others pass it by, then do it."""
    lapse(stage, backlog)
    direct = {"DATABASE_URL": stage.settings.database_url.get_secret_value()}
    trap = stage.node_postgres.trap(b"with lapsed", b"commit", effect=Effect.HOLD_REQUEST)
    with Sweep(stage, "rescue") as first, Sweep(stage, "rescue", **direct) as second:
        first.go()
        assert trap.sprung.wait(20)
        second.go()
        passed_by = second.count()
        first.kill()
        stage.node_postgres.reset_connections()
        stage.node_postgres.heal()
    with Sweep(stage, "rescue", **direct) as third:
        third.go()
        rescued = third.count()
    print(f"killed in mid-batch: {passed_by} meanwhile, {rescued} afterwards")
    assert passed_by == 0
    assert rescued == PEOPLE
    check_rescued_once(stage, backlog)
    assert set(hints(stage).values()) == {1}
