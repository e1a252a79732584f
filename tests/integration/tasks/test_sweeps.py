"""The sweeps themselves, run in this process against real servers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from types import ModuleType
from uuid import UUID

import psycopg
import pytest
import redis
from cast import Person
from factories import claim_job, give_phone, make_job
from processes import wait_for

from models import Database, Settings, Upload
from tasks.publishing import flush


@pytest.fixture
def sweeps(
    settings: Settings,
    owner_connection: psycopg.Connection,
    valkey_client: redis.Redis,  # type: ignore[type-arg]
) -> Iterator[ModuleType]:
    """The module of the sweeps, with nothing left to do from other tests."""
    owner_connection.execute("update jobs set status = 'cancelled' where status = 'running'")
    owner_connection.execute("update jobs set status = 'cancelled' where status = 'queued'")
    owner_connection.execute("delete from notifications")
    flush()
    valkey_client.flushall()
    yield import_module("tasks.maintenance")
    valkey_client.flushall()


@pytest.fixture
def ended_jobs_with_texts(
    database: Database, settings: Settings, person_a: Person, no_other_texts: None
) -> list[UUID]:
    """Three ended jobs whose texts nobody has sent."""
    give_phone(database, settings, person_a.id)
    found = []
    for _ in range(3):
        claim = claim_job(database, make_job(database, settings, person_a.id, notify="sms"))
        with database.worker() as session:
            notification_id = claim.succeed(session, {"counted": 1}, result_count=1).notification_id
        assert notification_id is not None
        found.append(notification_id)
    return found


def test_a_job_is_hinted_at_again_only_after_patience(
    sweeps: ModuleType,
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    valkey_client: redis.Redis,  # type: ignore[type-arg]
) -> None:
    """A fresh hint is given time; a lost one is replaced, once; one that waits is left alone."""
    job_id = make_job(database, settings, person_a.id)
    assert sweeps.dispatch_waiting_jobs() == 0
    owner_connection.execute(
        "update jobs set hinted_at = now() - interval '11 seconds' where id = %s", (job_id,)
    )
    wait_for(lambda: valkey_client.llen("interactive"), what="the first hint")
    assert sweeps.dispatch_waiting_jobs() == 0
    valkey_client.flushall()
    assert sweeps.dispatch_waiting_jobs() == 1
    assert sweeps.dispatch_waiting_jobs() == 0


def test_hints_do_not_pile_up_while_nobody_takes_them(
    sweeps: ModuleType,
    ended_jobs_with_texts: list[UUID],
    owner_connection: psycopg.Connection,
    valkey_client: redis.Redis,  # type: ignore[type-arg]
) -> None:
    """With the sender down, Redis holds each text's hint at most once in a while."""
    valkey_client.delete("notifications")
    owner_connection.execute("update notifications set dispatched_at = null")
    sent = [sweeps.send_due_notifications() for _ in range(10)]
    assert sent == [3] + [0] * 9
    assert valkey_client.llen("notifications") == 3
    valkey_client.lpush("notifications", *[b"x"] * 100)
    owner_connection.execute("update notifications set dispatched_at = null")
    assert sweeps.send_due_notifications() == 0


def test_a_text_that_cannot_be_made_ends_instead_of_coming_back(
    sweeps: ModuleType,
    ended_jobs_with_texts: list[UUID],
    owner_connection: psycopg.Connection,
    person_a: Person,
) -> None:
    """A number that the key of today cannot read is a failed text, not an endless one."""
    owner_connection.execute(
        "update users set phone_ciphertext = '\\x00112233445566778899aabbccddeeff00' where id = %s",
        (person_a.id,),
    )
    deliver_text = import_module("tasks.notifications").deliver_text
    assert deliver_text(str(ended_jobs_with_texts[0])) == "failed"
    owner_connection.execute("update users set phone_verified_at = null where id = %s",
                             (person_a.id,))  # fmt: skip
    assert deliver_text(str(ended_jobs_with_texts[1])) == "failed"
    codes = owner_connection.execute(
        "select error_code from notifications where status = 'failed' order by error_code"
    ).fetchall()
    assert codes == [("no_recipient",), ("phone_unreadable",)]


def test_files_without_a_job_go_after_a_day_and_others_stay_with_their_answer(
    sweeps: ModuleType,
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Inputs are kept apart from the row and not for ever. Demand: 003-12"""
    with database.owner(person_a.id) as session:
        orphan, kept = (
            Upload.store(session, person_a.id, io.BytesIO(b"x" * 3_000_000), media_type="image/png")
            for _ in range(2)
        )
        kept.keep_until(datetime.max.replace(tzinfo=UTC))
    assert owner_connection.execute(
        "select count(*) from upload_chunks where upload_id = %s", (orphan.id,)
    ).fetchone() == (3,)

    def left() -> set[UUID]:
        rows = owner_connection.execute(
            "select id from uploads where owner_id = %(owner)s"
            " union select upload_id from upload_chunks where owner_id = %(owner)s",
            {"owner": person_a.id},
        )
        return {row[0] for row in rows}

    sweeps.prune_expired()
    assert left() == {orphan.id, kept.id}
    owner_connection.execute("update uploads set expires_at = expires_at - interval '25 hours'"
                             " where id = %s", (orphan.id,))  # fmt: skip
    sweeps.prune_expired()
    assert left() == {kept.id}


def test_what_is_past_its_time_goes_in_small_batches_in_one_run(
    sweeps: ModuleType,
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Answers, events, keys and what waited too long: however many, and nothing else.

    Demand: 002-19
    """
    from tasks import sweeps as each_sweep

    monkeypatch.setattr(each_sweep, "PRUNE_BATCH", 2)
    old = [make_job(database, settings, person_a.id) for _ in range(5)]
    for job_id in old:
        claim = claim_job(database, job_id)
        with database.worker() as session:
            claim.succeed(session, {"counted": 1}, result_count=1)
    overdue, fresh = (make_job(database, settings, person_a.id) for _ in range(2))
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 minute' where owner_id = %s and id <> %s",
        (person_a.id, fresh),
    )
    assert sweeps.prune_expired() >= 7
    left = dict(
        owner_connection.execute(
            "select id, pruned_at is null from jobs where owner_id = %s", (person_a.id,)
        ).fetchall()
    )
    assert left == {**dict.fromkeys([*old, overdue], False), fresh: True}
    status = owner_connection.execute(
        "select status, error_code from jobs where id = %s", (overdue,)
    ).fetchone()
    assert status == ("failed", "waited_too_long")
    assert owner_connection.execute(
        "select distinct job_id from job_events where owner_id = %s", (person_a.id,)
    ).fetchall() == [(fresh,)]


def test_a_sweep_is_left_out_while_another_process_is_at_it(
    sweeps: ModuleType,
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """The processes beside the workers spare Postgres that; beat's sweep runs all the same."""
    from tasks import sweeps as each_sweep

    job_id = make_job(database, settings, person_a.id)
    claim_job(database, job_id)
    owner_connection.execute("update jobs set lease_until = now() where id = %s", (job_id,))
    with each_sweep._sweeping("rescue", alone=True) as session:
        assert session is not None
        assert each_sweep.rescue_stalled_jobs(alone=True) == 0
        assert sweeps.rescue_stalled_jobs() == 1


def test_each_attempt_waits_longer_and_the_third_is_the_last(
    sweeps: ModuleType,
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Three attempts, with back-off between them. Demand: 004-32"""
    from tasks import runner
    from tasks.errors import JobFailedError

    job_id = make_job(database, settings, person_a.id, kind="careless")
    waits = []
    for attempt in (1, 2, 3):  # noqa: B007 - how far it came is asserted
        try:
            runner.run(job_id, worker="here", database=database, settings=settings)
        except JobFailedError:
            break
        wait = owner_connection.execute(
            "select extract(epoch from not_before - now())::float from jobs where id = %s",
            (job_id,),
        ).fetchone()
        assert wait is not None
        waits.append(wait[0])
        owner_connection.execute("update jobs set not_before = null where id = %s", (job_id,))
    assert attempt == 3
    assert 1 <= waits[0] <= 6 and 3 <= waits[1] <= 12
