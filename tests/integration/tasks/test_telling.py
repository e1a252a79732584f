"""Whoever ends or takes back an attempt in the place of its child tells the pages of its person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from cast import Person
from factories import claim_job, make_job
from processes import wait_for

from models import Database, Settings
from tasks import runtime
from tasks.publishing import flush

WORKER = "a worker"
Way = Callable[[Database, psycopg.Connection[Any], UUID], object]


@pytest.fixture
def heard(valkey_client: redis.Redis) -> Iterator[Callable[[], set[tuple[bytes, bytes]]]]:  # type: ignore[type-arg]
    """What open pages were told since the fixture was made: channels and ids."""
    flush()
    with valkey_client.pubsub() as subscription:  # type: ignore[no-untyped-call]
        channels = (runtime.WAKE_CHANNEL, runtime.PERSON_CHANNEL)
        subscription.subscribe(*channels)
        for _ in channels:
            assert subscription.get_message(timeout=5)["type"] == "subscribe"
        told: set[tuple[bytes, bytes]] = set()

        def hear() -> set[tuple[bytes, bytes]]:
            while message := subscription.get_message(timeout=0.05):
                told.add((message["channel"], message["data"]))
            return told

        yield hear


def child_was_killed(database: Database, _: psycopg.Connection[Any], job_id: UUID) -> None:
    from tasks.lost import give_up_attempt

    with database.worker() as session:
        assert give_up_attempt(session, job_id, worker=WORKER) is not None


def child_was_too_slow(database: Database, _: psycopg.Connection[Any], job_id: UUID) -> None:
    from tasks.lost import give_up_attempt

    with database.worker() as session:
        ended = give_up_attempt(session, job_id, worker=WORKER, is_slow=True)
    assert ended is not None and ended.status == "failed"


def worker_stops(_: Database, __: psycopg.Connection[Any], ___: UUID) -> None:
    from tasks import shutdown

    shutdown.hand_back_jobs(WORKER)
    # It tells of them once more after a second: that is not to reach another test.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(10)
    flush()


def job_waited_too_long(_: Database, connection: psycopg.Connection[Any], job_id: UUID) -> None:
    from tasks import sweeps

    connection.execute(
        "update jobs set status = 'queued', expires_at = now() - interval '1 s' where id = %s",
        (job_id,),
    )
    assert sweeps.prune_expired() >= 1


@pytest.mark.parametrize(
    "way", [child_was_killed, child_was_too_slow, worker_stops, job_waited_too_long]
)
def test_the_pages_of_its_person_hear_of_it(
    way: Way,
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection[Any],
    heard: Callable[[], set[tuple[bytes, bytes]]],
) -> None:
    """The list, and the number of searches in progress in every header, are right by themselves."""
    job_id = make_job(database, settings, person_a.id)
    claim_job(database, job_id)
    start = (runtime.PERSON_CHANNEL.encode(), str(person_a.id).encode())
    wait_for(lambda: start in heard(), what="its start")
    heard().clear()
    way(database, owner_connection, job_id)
    expected = {
        (runtime.WAKE_CHANNEL.encode(), str(job_id).encode()),
        (runtime.PERSON_CHANNEL.encode(), str(person_a.id).encode()),
    }
    wait_for(lambda: heard() >= expected, what="both")
