"""How long a job will take, as its person is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import Api
from factories import claim_job

from models import Database, Progress
from webapp.estimates import forget_the_past

KIND = "careless"  # no other test here lets one succeed


@pytest.fixture(autouse=True)
def _learn_anew(owner_connection: psycopg.Connection) -> Iterator[None]:
    owner_connection.execute("delete from jobs where kind = %s", [KIND])
    forget_the_past()
    yield
    forget_the_past()


def past_run(api: Api, database: Database, connection: psycopg.Connection, seconds: int) -> None:
    """Let a job of the kind have taken so long."""
    job = api.submit(KIND)
    with database.worker() as session:
        claim_job(database, UUID(job["id"])).succeed(session, {"counted": 1}, result_count=1)
    # What a job ended with is kept by a trigger, but for when it began.
    connection.execute(
        "update jobs set started_at = finished_at - make_interval(secs => %s) where id = %s",
        [seconds, job["id"]],
    )


def eta(job: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a job says of its end."""
    return tuple(job[name] for name in ("eta_low", "eta_seconds", "eta_high", "eta_learning"))


def test_a_range_is_learnt_from_five_past_runs(
    a: Api, b: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    """Demand: 002-9."""
    for seconds in (100, 100, 100, 100):
        past_run(b, database, owner_connection, seconds)
    forget_the_past()
    learning = a.submit(KIND)
    assert eta(learning) == (None, None, None, True)
    past_run(b, database, owner_connection, 100)
    forget_the_past()
    waiting = a.get(learning["links"]["self"]).get_json()
    low, guess, high, is_learning = eta(waiting)
    assert not is_learning
    assert 100 <= low <= guess <= high
    claim = claim_job(database, UUID(learning["id"]))
    running = a.get(learning["links"]["self"]).get_json()
    assert eta(running)[3] is False
    assert all(95 <= value <= 100 for value in eta(running)[:3])
    with database.worker() as session:
        claim.heartbeat(
            session, lease_seconds=30, progress=Progress(percent=50, done=1, total=2, eta_seconds=7)
        )
    counted = a.get(learning["links"]["self"]).get_json()
    low, guess, high, _ = eta(counted)
    assert low <= guess <= high
    assert guess <= 7
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    assert eta(a.get(learning["links"]["self"]).get_json()) == (None, None, None, False)


def test_a_guess_is_no_change(
    a: Api, database: Database, owner_connection: psycopg.Connection
) -> None:
    """Time passes, the tag stays: only what happens to the job is news."""
    for _ in range(5):
        past_run(a, database, owner_connection, 50)
    forget_the_past()
    job = a.submit(KIND)
    claim_job(database, UUID(job["id"]))
    first = a.get(job["links"]["self"])
    owner_connection.execute(
        "update jobs set started_at = now() - interval '20 seconds' where id = %s", [job["id"]]
    )
    again = a.get(job["links"]["self"], headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    later = a.get(job["links"]["self"]).get_json()
    assert later["eta_seconds"] < first.get_json()["eta_seconds"]
