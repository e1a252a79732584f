"""A job's life in any order, against the real database; every promise is checked at every step."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

import hypothesis
import psycopg
import pytest
from cast import make_person
from factories import give_phone
from faults.broken.statements import FENCED, taken_out
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.stateful import run_state_machine_as_test
from properties.invariants import BrokenPromiseError
from properties.machine import PATIENCE_SECONDS, PEOPLE, Broker, JobMachine, World
from pydantic import SecretStr

from models import Database, Settings
from models.migrations import migrate
from tasks import dispatch, runtime, wake
from webapp.embedded.postgres import EmbeddedPostgres

SEQUENCES = int(os.environ.get("MACHINE_SEQUENCES", "500"))
SEED = int(os.environ.get("MACHINE_SEED", "20260101"))
STEPS = 40


@pytest.fixture(scope="module")
def machine_settings(settings: Settings, postgres: EmbeddedPostgres) -> Settings:
    """A database of its own on the same server: sweeps see everything there is."""
    with psycopg.connect(postgres.owner_url("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists machine with (force)")
        connection.execute("create database machine")
    login = psycopg.conninfo.conninfo_to_dict(settings.database_url.get_secret_value())
    own = settings.model_copy(
        update={
            "database_url": SecretStr(
                postgres.url(str(login["user"]), str(login["password"]), "machine")
            ),
            "migration_database_url": SecretStr(postgres.owner_url("machine")),
        }
    )
    migrate(own)
    return own


@pytest.fixture
def world(machine_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two people with phones, and a broker that is a list."""
    from tasks import jobs, maintenance, sweeps  # they read the environment

    database = Database(machine_settings)
    assert machine_settings.migration_database_url is not None
    url = machine_settings.migration_database_url.get_secret_value()
    with ExitStack() as stack, psycopg.connect(url, autocommit=True) as connection:
        stack.callback(database.dispose)
        broker = Broker()
        world = World(
            database=database,
            settings=machine_settings,
            connection=connection,
            people=_people(database, machine_settings),
            broker=broker,
            rescue=maintenance.rescue_stalled_jobs,
            dispatch=maintenance.dispatch_waiting_jobs,
        )
        monkeypatch.setattr(runtime, "database", lambda: database)
        monkeypatch.setattr(runtime, "redis_client", lambda: broker)
        monkeypatch.setattr(sweeps, "PATIENCE_SECONDS", PATIENCE_SECONDS)
        monkeypatch.setattr(
            jobs.run_job,
            "apply_async",
            lambda args, queue, **_: broker.hear(queue, UUID(args[0])),
        )
        monkeypatch.setattr(dispatch, "publish_later", lambda action: action())
        monkeypatch.setattr(wake, "after_commit", lambda *_: None)  # no page is open
        logging.disable(logging.WARNING)  # a line for each of thousands of sweeps
        stack.callback(logging.disable, logging.NOTSET)
        yield world


def _people(database: Database, settings: Settings) -> list[UUID]:
    people = [make_person(database).id for _ in range(PEOPLE)]
    for person in people:
        give_phone(database, settings, person)
    return people


def _run(world: World, *, sequences: int, seed: int, shrink: bool = True) -> None:
    machine = hypothesis.seed(seed)(type("JobMachine", (JobMachine,), {"world": world}))
    phases = [Phase.reuse, Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    run_state_machine_as_test(
        machine,
        _min_steps=STEPS - 1,  # else Hypothesis ends many of them early
        settings=hypothesis.settings(
            max_examples=sequences,
            stateful_step_count=STEPS,
            deadline=None,
            phases=phases,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.normal,
        ),
    )


@pytest.mark.timeout(max(600, 2 * SEQUENCES))
@pytest.mark.parametrize("half", [1, 2])  # two test processes share the work
def test_no_order_of_events_breaks_a_promise(
    world: World, capsys: pytest.CaptureFixture[str], half: int
) -> None:
    """Never lost, never twice: 500 sequences of 40 steps (MACHINE_SEQUENCES for more).

    A job is claimed once at a time, tried again as often as it may, and ends once.

    Demand: 003-11, 004-32
    """
    seed = SEED + half
    _run(world, sequences=SEQUENCES // 2, seed=seed)
    with capsys.disabled():
        print(f"\njob machine, seed {seed}, {SEQUENCES // 2} sequences: {dict(world.happened)}")
    assert world.happened["steps"] >= SEQUENCES // 2 * STEPS
    for what in ("claims", "hints turned away", "steps of an old fence", "rescues",
                 "succeeded", "failed", "cancelled"):  # fmt: skip
        assert world.happened[what], f"no {what}: the steps lead nowhere"


GUARDS = {
    "the fence": (
        [(statement, "and fence = :fence and worker = :worker", "") for statement in FENCED],
        "an old fence never writes",
    ),
    "progress that only rises": (
        [("report_progress", "greatest(progress, :progress)", ":progress")],
        "progress never falls",
    ),
    "the cap": ([("claim_job", "running.jobs < :most_running", "true")], "a person's cap"),
    "attempts counted at the claim": (
        [("claim_job", "attempt = attempt + 1", "attempt = attempt")],
        "attempts are counted",
    ),
    "a rescue that respects the lease": (
        [("rescue_jobs", "lease_until < clock_timestamp()", "true")],
        "the sweep rescues what lapsed",
    ),
    "the rescue": (
        [("rescue_jobs", "lease_until < clock_timestamp()", "false")],
        "the sweep rescues what lapsed",
    ),
    "the turns": (
        [("give_turns", "status = 'queued' and dispatched_at is null", "false")],
        "nobody waits in vain",
    ),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("guard", GUARDS)
def test_the_machine_notices_when_a_guard_is_missing(
    world: World, capsys: pytest.CaptureFixture[str], guard: str
) -> None:
    """Each guard of a statement, taken out, breaks the promise it is there for."""
    words, promise = GUARDS[guard]
    began = time.monotonic()
    with ExitStack() as stack:
        for statement, guarding, instead in words:
            stack.enter_context(taken_out(statement, guarding, instead))
        with pytest.raises(BrokenPromiseError) as caught:
            _run(world, sequences=200, seed=SEED, shrink=False)
    with capsys.disabled():
        print(
            f"\njob machine without {guard}: {caught.value.promise!r} was broken after"
            f" {world.happened['steps']} steps, {time.monotonic() - began:.1f} s"
        )
    assert caught.value.promise == promise
