"""A crowd in front: one person's thousand jobs, or a night's schedules, hold up nobody else."""

from __future__ import annotations

import time
from uuid import UUID

from processes import wait_for

from faults.stage import Caller, Stage, at_once

AT_ONCE = 2.0
# As a submit writes them when their person has no slot free: they wait for their turn.
COPY = """
    with copied as (
        insert into jobs (id, owner_id, kind, queue, source, params, max_attempts, expires_at)
        select uuidv7(), coalesce(%(owner)s, owner_id), kind, %(queue)s, %(source)s,
               jsonb_set(params, '{label}', to_jsonb('copy ' || number)), max_attempts, expires_at
        from jobs, generate_series(1, %(count)s) as number
        where id = %(job)s
        returning id, owner_id
    ), event as (
        insert into job_events (job_id, owner_id, event) select id, owner_id, 'enqueued' from copied
    )
    select id from copied
"""


def copy_job(
    stage: Stage, job_id: UUID, count: int, *, owner: UUID | None = None, queue: str = "interactive"
) -> list[UUID]:
    """Put more jobs like this one in the queue."""
    source = "schedule" if queue == "scheduled" else "api"
    values = {"job": job_id, "count": count, "owner": owner, "queue": queue, "source": source}
    with stage.owner_connection() as connection:
        return [row["id"] for row in connection.execute(COPY, values).fetchall()]


def seconds_until_start(stage: Stage, caller: Caller) -> float:
    """Submit a job and return how long it took until a worker had begun."""
    began = time.monotonic()
    job_id = caller.submit(steps=1).id
    stage.wait_until_running(job_id)
    seconds = time.monotonic() - began
    stage.wait_until_ended([job_id])
    stage.check_ended_once([job_id], attempts=1)
    return seconds


def test_thousand_jobs_of_one_do_not_hold_up_another(stage: Stage, a: Caller, b: Caller) -> None:
    """A has two jobs running and 998 that wait: B's begins where a slot is free."""
    first = a.submit(steps=2, step_seconds=0.3).id
    crowd = copy_job(stage, first, 999)
    wait_for(
        lambda: stage.rows("select from jobs where status = 'succeeded' limit 1"), 20, "A's first"
    )
    starts = [seconds_until_start(stage, b) for _ in range(3)]
    left = stage.rows("select count(*) as n from jobs where status = 'queued'")[0]["n"]
    print(f"{left} jobs of A waiting: B's began after {[f'{each:.2f}' for each in starts]} s")
    assert left > 900
    assert max(starts) < AT_ONCE
    assert len(crowd) == 999


def test_places_that_were_shown_were_true(stage: Stage) -> None:
    """Three people wait; in the order of the places they were shown, their jobs were begun."""
    callers = [stage.make_caller() for _ in range(3)]
    stage.node_redis.stall()  # nobody hears of anything yet
    first = [caller.submit(steps=1, step_seconds=0.2).id for caller in callers]
    waiting = {callers[0]: 30, callers[1]: 8, callers[2]: 1}
    jobs = {(caller, job_id) for caller, job_id in zip(callers, first, strict=True)}
    for (caller, count), job_id in zip(waiting.items(), first, strict=True):
        jobs |= {(caller, copied) for copied in copy_job(stage, job_id, count)}
    ordered = list(jobs)
    replies = at_once(lambda turn: ordered[turn][0].ask(f"jobs/{ordered[turn][1]}"), 8)
    replies += [caller.ask(f"jobs/{job_id}") for caller, job_id in ordered[8:]]
    shown = {reply.id: reply.body["queue_position"] for reply in replies}
    assert sorted(shown.values()) == list(range(1, len(jobs) + 1))
    stage.node_redis.heal()
    stage.wait_until_ended(shown, 60)
    begun = stage.rows(
        "select job_id from audit where new_status = 'running' and old_status = 'queued'"
        " order by seq"
    )
    slots = len(stage.nodes) * stage.concurrency
    off = [
        abs(place - shown[row["job_id"]]) for place, row in enumerate(begun, 1)
    ]  # so many begin at the same time
    print(f"places of {len(shown)} jobs: off by {max(off)} at most, {sum(off) / len(off):.1f} mean")
    assert len(begun) == len(shown)
    assert max(off) <= 2 * slots


def test_scheduled_jobs_do_not_hold_up_what_somebody_waits_for(
    stage: Stage, a: Caller, b: Caller
) -> None:
    """300 scheduled jobs of 30 people run and wait; somebody new and one of the 30 ask for one.

    Demand: 004-3, 004-38
    """
    template = a.submit(steps=2, step_seconds=0.25).id
    stage.wait_until_ended([template])
    people = [b, *(stage.make_caller() for _ in range(29))]
    for caller in people:
        copy_job(stage, template, 10, owner=caller.owner_id, queue="scheduled")
    running = "select count(*) as n from jobs where status = 'running' and queue = 'scheduled'"
    wait_for(lambda: stage.rows(running)[0]["n"] >= 2, 20, "running scheduled jobs")
    starts = [seconds_until_start(stage, caller) for caller in (a, b) * 6]
    left = stage.rows("select count(*) as n from jobs where status = 'queued'")[0]["n"]
    print(f"{left} scheduled waiting: manual ones began after {[f'{one:.2f}' for one in starts]} s")
    assert left > 180
    assert max(starts) < AT_ONCE
    done = "select from jobs where status = 'succeeded' and source = 'schedule' limit 1"
    wait_for(lambda: stage.rows(done), 20, "the end of a scheduled one")
