"""What a saved search keeps, and what happens to it with its person."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from belongings import fill
from cast import Person
from factories import claim_job, make_job, make_search
from processes import wait_for
from sqlalchemy import text

from models import Database, Job, SavedSearch, Settings, Upload
from models.deleting import delete_job
from models.erasing import erase
from models.queries import query
from models.settling import merge


def _photo(database: Database, owner_id: UUID, picture: bytes) -> UUID:
    with database.owner(owner_id) as session:
        return Upload.store(
            session, owner_id, io.BytesIO(picture), media_type="image/png", width=1, height=1
        ).id


def test_its_photo_stays_for_as_long_as_it_does(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Neither the daily prune nor the deletion of a job about the same photo takes it away."""
    photo = _photo(database, person_a.id, b"a photo")
    params = {"image": str(photo)}
    search_id = make_search(database, settings, person_a.id, kind="image_search", params=params)
    job_id = make_job(database, settings, person_a.id, kind="image_search", params=params)
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.fail(session, "x", "x")
    with database.operator() as session:
        delete_job(session, person_a.id, job_id)
    owner_connection.execute("update uploads set expires_at = now() - interval '1 day'")
    with database.operator() as session:
        session.execute(query("prune_uploads"), {"most": 1000})
    with database.owner(person_a.id) as session:
        assert session.get(Upload, photo) is not None
        session.delete(session.get_one(SavedSearch, search_id))
    with database.operator() as session:
        session.execute(query("prune_uploads"), {"most": 1000})
    with database.owner(person_a.id) as session:
        assert session.get(Upload, photo) is None


def test_two_accounts_that_become_one_keep_all_of_it(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """Searches, slots, what they have seen and a run that goes on; keys that meet give way."""
    key = {"idempotency_key": "k", "request_hash": b"h"}
    fill(database, settings, person_a.id)
    mine = make_search(database, settings, person_a.id, **key)
    theirs = make_search(database, settings, person_b.id, **key)
    job_id = make_job(database, settings, person_a.id, saved_search_id=mine)
    claim = claim_job(database, job_id)
    with database.operator() as session:
        merge(session, person_a.id, person_b.id)
    with database.worker_step() as step:
        claim.succeed(step, {"counted": 1}, result_count=1, keys=["seen"])
    with database.owner(person_b.id) as session:
        found = {search.id: search for search in session.query(SavedSearch)}
        assert len(found) == 3 and {mine, theirs} < found.keys()
        assert found[mine].idempotency_key is None and found[theirs].idempotency_key == "k"
        assert found[mine].baseline_at is not None
        assert session.get_one(Job, job_id).saved_search_id == mine


def test_pausing_and_resuming(database: Database, settings: Settings, person_a: Person) -> None:
    """A search that is resumed goes on from then, and failures are forgiven."""
    search_id = make_search(database, settings, person_a.id, due=datetime(2026, 1, 1, tzinfo=UTC))
    with database.owner(person_a.id) as session:
        search = session.get_one(SavedSearch, search_id)
        assert search.next_slot_at == datetime(2026, 1, 1, 1, tzinfo=UTC)
        search.failures_in_a_row = 5
        search.resume(datetime(2026, 2, 1, 0, 30, tzinfo=UTC))
    with database.owner(person_a.id) as session:
        search = session.get_one(SavedSearch, search_id)
        assert search.next_slot_at == datetime(2026, 2, 1, 1, tzinfo=UTC)
        assert (search.failures_in_a_row, search.is_paused) == (0, False)


@pytest.mark.parametrize("rival", ["erase", "merge"])
def test_deleting_one_while_its_account_goes(
    database: Database, settings: Settings, person_a: Person, person_b: Person, rival: str
) -> None:
    """Both lock the search before its jobs, so neither waits for the other for ever."""
    key = {"idempotency_key": "k", "request_hash": b"h"}
    search_id = make_search(database, settings, person_a.id)
    make_job(database, settings, person_a.id, saved_search_id=search_id, **key)
    make_job(database, settings, person_b.id, **key)
    is_locked, may_go_on = threading.Event(), threading.Event()

    def delete() -> None:
        with database.owner(person_a.id) as session:
            search = session.get_one(SavedSearch, search_id, with_for_update=True)
            is_locked.set()
            may_go_on.wait(10)
            session.delete(search)

    def end_account() -> None:
        with database.operator() as session:
            if rival == "erase":
                erase(session, person_a.id)
            else:
                merge(session, person_a.id, person_b.id)

    with ThreadPoolExecutor(2) as pool:
        deleting = pool.submit(delete)
        assert is_locked.wait(10)
        ending = pool.submit(end_account)
        wait_for(lambda: _waiting(database) > 0, what="the account's end at the search")
        may_go_on.set()
        deleting.result(20)
        ending.result(20)
    with database.operator() as session:
        assert session.get(SavedSearch, search_id) is None


def _waiting(database: Database) -> int:
    """Return how many wait for a lock."""
    with database.operator() as session:
        return session.execute(text("select count(*) from pg_locks where not granted")).scalar_one()
