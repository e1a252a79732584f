"""Erasing: everything of a person goes, nobody else's does, and nothing comes back."""

from __future__ import annotations

import io
import threading
from uuid import UUID

import psycopg
import pytest
from belongings import fill
from cast import Person, make_person
from factories import claim_job, give_phone, make_job
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from models import (
    ApiToken,
    BrowserSession,
    Database,
    Job,
    Settings,
    Upload,
    User,
)
from models.erasing import Erased, NoSuchAccountError, erase
from models.errors import StaleFenceError
from models.phone import PhoneKeys
from models.row_security import OWNED_TABLES
from models.suppression import is_suppressed


def rows_of(connection: psycopg.Connection, owner: UUID) -> dict[str, int]:
    """Count what every table with an owner holds of somebody."""
    tables = connection.execute(
        "select table_name from information_schema.columns"
        " where table_schema = 'public' and column_name = 'owner_id'"
    ).fetchall()
    counts = {}
    for (table,) in tables:
        row = connection.execute(
            f"select count(*) from {table} where owner_id = %s",
            (owner,),
        ).fetchone()
        assert row is not None
        counts[table] = row[0]
    return counts


def test_everything_goes_and_the_tombstone_and_the_stop_stay(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Whatever table is added with an owner is noticed here. Nothing of B is touched."""
    number = fill(database, settings, person_a.id)
    fill(database, settings, person_b.id)
    before, others = rows_of(owner_connection, person_a.id), rows_of(owner_connection, person_b.id)
    assert before.keys() == OWNED_TABLES.keys() - {"users"}
    assert all(before.values()), before
    with database.operator() as session:
        assert erase(session, person_a.id) == Erased(jobs=2, uploads=1, texts=2)
    assert not any(rows_of(owner_connection, person_a.id).values())
    assert rows_of(owner_connection, person_b.id) == others
    row = owner_connection.execute(
        "select to_jsonb(users) from users where id = %s", (person_a.id,)
    ).fetchone()
    assert row is not None
    assert row[0].pop("erased_at") and row[0].pop("created_at") and row[0].pop("last_seen_at")
    assert row[0] == {
        "id": str(person_a.id),
        "role": "person",
        "locale": "en",
        "time_zone": "UTC",
        **dict.fromkeys(
            ("phone_ciphertext", "phone_hash", "phone_last_digits", "phone_country",
             "phone_verified_at"),
        ),
    }  # fmt: skip
    with database.operator() as session:
        assert is_suppressed(session, PhoneKeys(settings).fingerprint(number))
    forgotten = owner_connection.execute(
        "select provider_sid from texts_to_forget where provider_sid like %s order by 1",
        (f"%{person_a.id}",),
    ).fetchall()
    assert forgotten == [(f"SMcode{person_a.id}",), (f"SMtext{person_a.id}",)]


def test_a_failure_half_way_leaves_all_as_it_was(
    database: Database, settings: Settings, person_a: Person, owner_connection: psycopg.Connection
) -> None:
    fill(database, settings, person_a.id)
    before = rows_of(owner_connection, person_a.id)
    with pytest.raises(RuntimeError), database.operator() as session:
        erase(session, person_a.id)
        raise RuntimeError("the power went")
    assert rows_of(owner_connection, person_a.id) == before


def test_nobody_is_erased_twice_and_a_stranger_not_once(
    database: Database, person_a: Person
) -> None:
    with database.operator() as session:
        erase(session, person_a.id)
    for account in (person_a.id, UUID(int=1)):
        with pytest.raises(NoSuchAccountError), database.operator() as session:
            erase(session, account)


def test_a_person_cannot_erase_another(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """Within their own transactions B does not exist."""
    fill(database, settings, person_b.id)
    with database.owner(person_a.id) as session, pytest.raises((NoSuchAccountError, DBAPIError)):
        erase(session, person_b.id)
    with database.owner(person_b.id) as session:
        assert session.get_one(User, person_b.id).erased_at is None


def test_nothing_is_added_to_an_erased_account(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """Not by whoever came too late, not by handing rows over, and its row does not change."""
    job_b = make_job(database, settings, person_b.id)
    with database.operator() as session:
        erase(session, person_a.id)
    with pytest.raises(DBAPIError, match="stays empty"):
        make_job(database, settings, person_a.id)
    for add in (BrowserSession.start, lambda own, owner: ApiToken.create(own, owner, "late")):
        with pytest.raises(DBAPIError, match="stays empty"), database.owner(person_a.id) as own:
            add(own, person_a.id)
    with pytest.raises(DBAPIError, match="stays empty"), database.operator() as session:
        session.execute(update(Job).where(Job.id == job_b).values(owner_id=person_a.id))
    with pytest.raises(DBAPIError, match="stays erased"):
        give_phone(database, settings, person_a.id)


def test_a_submit_that_waits_for_the_erasing_is_refused(
    database: Database, settings: Settings, person_a: Person, owner_connection: psycopg.Connection
) -> None:
    """The other order leaves nothing either: what was added first is erased with the rest."""
    outcome: list[str] = []

    def submit() -> None:
        try:
            make_job(database, settings, person_a.id)
            outcome.append("written")
        except DBAPIError as error:
            outcome.append(str(error.orig).splitlines()[0])

    with database.operator() as session:
        erase(session, person_a.id)
        late = threading.Thread(target=submit)
        late.start()
        while True:
            waiting = owner_connection.execute(
                "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
                " and application_name = 'textback'"
            ).fetchone()
            if waiting or not late.is_alive():
                break
    late.join()
    assert outcome == ["an erased account stays empty"]
    assert rows_of(owner_connection, person_a.id)["jobs"] == 0


def test_a_running_attempt_finds_nothing_to_write_to(
    database: Database, settings: Settings, person_a: Person
) -> None:
    claim = claim_job(database, make_job(database, settings, person_a.id, notify="none"))
    with database.operator() as session:
        erase(session, person_a.id)
    for write in (
        lambda own: claim.heartbeat(own, lease_seconds=30),
        lambda own: claim.save_checkpoint(own, {"done": 1}),
        lambda own: claim.succeed(own, {"counted": 1}, result_count=1),
    ):
        with pytest.raises(StaleFenceError), database.worker() as session:
            write(session)


def test_many_jobs_and_pieces_go_in_small_steps(
    database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """More than one statement's worth of each."""
    person = make_person(database)
    with database.owner(person.id) as session:
        Upload.store(session, person.id, io.BytesIO(b"y" * 36_000_000), media_type="image/png")
    first = make_job(database, settings, person.id)
    with database.operator() as session:
        columns = session.scalars(
            text(
                "select string_agg(column_name, ', ') from information_schema.columns"
                " where table_name = 'jobs' and column_name <> 'id'"
            )
        ).one()
        session.execute(
            text(
                f"insert into jobs (id, {columns}) select gen_random_uuid(), {columns}"
                " from jobs, generate_series(1, 250) where id = :id"
            ),
            {"id": first},
        )
    with database.operator() as session:
        assert erase(session, person.id) == Erased(jobs=251, uploads=1, texts=0)
    assert not any(rows_of(owner_connection, person.id).values())
