"""Postgres breaks: nobody is told that a job is kept when it is not, and what is kept is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import psycopg
import pytest
from processes import wait_for

from faults.stage import IS_LONG, LEASE_SECONDS, Caller, Stage, asking

SOON = 2.0
# A frozen server gives no error at all, so it takes as long as the web process is patient.
SILENT_SOON = 3.5
AWAY_SECONDS = 20.0 if IS_LONG else 1.5
LOCKED_SECONDS = 60.0 if IS_LONG else LEASE_SECONDS + 2.0
RESTARTS = 5 if IS_LONG else 2
Fault = Callable[[Stage], None]

END_BACKENDS = (
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'textback_app'"
)


def down(stage: Stage) -> None:
    """An immediate stop: backends end without a word; recovery at the next start."""
    stage.stop_postgres()
    time.sleep(AWAY_SECONDS)
    stage.start_postgres()


def restarts(stage: Stage) -> None:
    """Immediate restarts, one after the other."""
    for _ in range(RESTARTS):
        stage.restart_postgres()
        time.sleep(0.3)


def terminations(stage: Stage) -> None:
    """Every backend is ended, many times."""
    until = time.monotonic() + AWAY_SECONDS
    with stage.owner_connection() as connection:
        while time.monotonic() < until:
            connection.execute(END_BACKENDS)
            time.sleep(0.1)


def used_up(stage: Stage) -> None:
    """Somebody else holds every connection the server has for logins like ours."""
    url = stage.settings.database_url.get_secret_value()
    with ExitStack() as held, stage.owner_connection() as connection:
        until = None
        while until is None or time.monotonic() < until:
            connection.execute(END_BACKENDS + " and application_name = 'textback'")
            with suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(psycopg.connect(url, connect_timeout=5))
            until = until or time.monotonic() + AWAY_SECONDS


def silence(stage: Stage) -> None:
    """SIGSTOP: the kernel takes connections, and nobody says anything."""
    with stage.frozen(stage.postgres.process):
        time.sleep(AWAY_SECONDS + SILENT_SOON)


@pytest.mark.parametrize("fault", [down, restarts, terminations, used_up, silence])
def test_no_submit_is_answered_wrongly_and_every_job_ends_once(stage: Stage, fault: Fault) -> None:
    """202 for what is kept, or 503 with Retry-After, and soon; what was kept is done."""
    callers = [stage.make_caller() for _ in range(4)]
    running = callers[0].submit(steps=20, step_seconds=0.1).id
    stage.wait_until_running(running)
    with asking(callers, steps=1) as replies:
        wait_for(lambda: any(reply.status == 202 for reply in replies), what="a first submit")
        fault(stage)
        back = time.monotonic()
        whole = len(replies)
        wait_for(lambda: all(reply.status == 202 for reply in replies[-8:]), 30, "202 for all")
    kept = [running, *(reply.id for reply in replies if reply.status == 202)]
    refused = [reply for reply in replies if reply.status != 202]
    stage.wait_until_ended(kept)
    print(
        f"postgres {fault.__name__}: {len(kept)} kept, {len(refused)} told to come again, "
        f"the slowest {max(reply.seconds for reply in replies):.2f} s; "
        f"all done {time.monotonic() - back:.1f} s after it was back"
    )
    assert refused or fault in (restarts, terminations)
    soon = SILENT_SOON if fault is silence else SOON
    assert all(reply.is_away(within=soon) for reply in refused), refused
    assert whole
    stage.check_ended_once(kept)


def test_lock_on_a_job_holds_up_nothing_else(stage: Stage, a: Caller, b: Caller) -> None:
    """Somebody holds the row of a running job: it is read, others run, and it ends once."""
    job_id = a.submit(steps=30, step_seconds=0.1).id
    stage.wait_until_running(job_id)
    with stage.owner_connection() as holder, holder.transaction():
        holder.execute("select from jobs where id = %s for update", [job_id])
        began = time.monotonic()
        read = a.ask(f"jobs/{job_id}")
        assert (read.status, read.body["status"]) == (200, "running")
        assert read.seconds < SOON
        cancel = a.cancel(job_id)
        assert cancel.is_away(within=SILENT_SOON), cancel
        others = [caller.submit(steps=1) for caller in (a, b) for _ in range(2)]
        assert all(reply.status == 202 and reply.seconds < SOON for reply in others)
        stage.wait_until_ended([reply.id for reply in others], 20)
        print(f"lock on a job: others done after {time.monotonic() - began:.1f} s")
        time.sleep(max(0, began + LOCKED_SECONDS - time.monotonic()))
        assert stage.job(job_id)["status"] == "running"
    stage.wait_until_ended([job_id])
    stage.check_ended_once([job_id, *(reply.id for reply in others)])


def test_lock_on_a_person_holds_up_that_person_alone(stage: Stage, a: Caller, b: Caller) -> None:
    """Somebody holds A's own row: B's jobs are done meanwhile, and A's when it is let go."""
    jobs = [a.submit(steps=1).id]
    stage.wait_until_ended(jobs)
    with stage.owner_connection() as holder, holder.transaction():
        holder.execute("select from users where id = %s for update", [a.owner_id])
        began = time.monotonic()
        with asking([a], every=0.3, steps=1) as replies:
            theirs = [b.submit(steps=1).id for _ in range(4)]
            stage.wait_until_ended(theirs, 20)
            print(f"lock on a person: the other's done after {time.monotonic() - began:.1f} s")
            time.sleep(max(0, began + LOCKED_SECONDS - time.monotonic()))
    for reply in replies:
        assert reply.status == 202 or reply.is_away(within=SILENT_SOON), reply
    jobs += [reply.id for reply in replies if reply.status == 202]
    jobs.append(a.submit(steps=1).id)
    stage.wait_until_ended(jobs)
    stage.check_ended_once([*jobs, *theirs])
