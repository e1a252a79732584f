"""Slots that have come: each becomes one job, or a row that says why it became none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from cast import Person, make_person
from factories import (
    claim_job,
    come_again,
    early_in_a_minute,
    give_phone,
    just_now,
    make_job,
    make_search,
    read_job,
    read_occurrences,
)

from models import Database, Occurrence, ResultLink, SavedSearch, Settings
from models.occurrence import occurrences_page
from models.queries import query
from models.result_link import hash_token, link_token
from models.saved_search import PauseReason
from tasks.enqueueing import Enqueued, enqueue_due

HOUR = timedelta(hours=1)
Run = Callable[..., Enqueued]


@pytest.fixture
def enqueue(database: Database, settings: Settings, owner_connection: psycopg.Connection) -> Run:
    """Run the sweep as it is now, on a database without other saved searches."""
    owner_connection.execute("delete from saved_searches")

    def run(**changes: object) -> Enqueued:
        return enqueue_due(database, settings.model_copy(update=changes), seconds=30)

    return run


def _now() -> datetime:
    return datetime.now(UTC)


def _search(database: Database, person: Person, search_id: UUID) -> SavedSearch:
    with database.owner(person.id) as session:
        return session.get_one(SavedSearch, search_id)


def _skips(rows: list[Occurrence]) -> list[str | None]:
    return [row.skipped for row in rows]


def test_a_slot_that_has_come_is_a_job_like_any_other(
    database: Database, settings: Settings, person_a: Person, enqueue: Run
) -> None:
    """One row, one job of the schedule's own queue, and the next time is set.

    Demand: 004-3, 004-4, 004-35, 004-49
    """
    search_id = make_search(database, settings, person_a.id, **just_now(), params={"steps": 7})
    done = enqueue()
    assert (done.searches, done.enqueued, done.skipped, done.is_done) == (1, 1, 0, True)
    (row,) = read_occurrences(database, person_a.id, search_id)
    assert row.skipped is None and row.job_id is not None
    assert row.due_at <= _now() and row.late < timedelta(minutes=1)
    job = read_job(database, person_a.id, row.job_id)
    assert (job.source, job.queue, job.status) == ("schedule", "scheduled", "queued")
    assert job.params["steps"] == 7 and job.saved_search_id == search_id
    search = _search(database, person_a, search_id)
    assert search.next_slot_at is not None and search.next_slot_at > row.due_at
    assert enqueue() == Enqueued()  # nothing is due any more


def test_many_at_once_run_each_slot_once(
    database: Database, settings: Settings, enqueue: Run
) -> None:
    """Four sweeps at the same moment over 300 searches: 300 jobs, none twice, none left out."""
    people = [make_person(database) for _ in range(30)]
    searches = {
        make_search(database, settings, person.id, **just_now()): person
        for person in people
        for _ in range(10)
    }
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(enqueue) for _ in range(4)]
    assert sum(run.result().enqueued for run in runs) + enqueue().enqueued == 300
    slots = Counter(
        (search_id, row.slot_local)
        for search_id, person in searches.items()
        for row in read_occurrences(database, person.id, search_id)
    )
    assert len(slots) >= 300 and set(slots.values()) == {1}


def test_a_slot_that_has_its_row_makes_no_second_job(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
) -> None:
    """Even if the plan of a search is set back, as by an old backup: the row decides."""
    search_id = make_search(database, settings, person_a.id, **just_now(), overlap="queue")
    enqueue()
    (row,) = read_occurrences(database, person_a.id, search_id)
    owner_connection.execute(
        "update saved_searches set planned_until = %s, next_slot_at = %s",
        (row.due_at - timedelta(seconds=1), row.due_at),
    )
    done = enqueue()
    (again,) = read_occurrences(database, person_a.id, search_id)
    assert (done.searches, done.enqueued) == (1, 0)
    assert again.job_id == row.job_id


@pytest.mark.parametrize(("overlap", "expected"), [("skip", "still_running"), ("queue", None)])
def test_a_slot_while_the_run_before_goes_on(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
    overlap: str,
    expected: str | None,
) -> None:
    """It is skipped, and says so, unless its person wants it to wait in line."""
    search_id = make_search(database, settings, person_a.id, **just_now(), overlap=overlap)
    enqueue()
    come_again(owner_connection)
    enqueue()
    rows = read_occurrences(database, person_a.id, search_id)
    assert _skips(rows) == [None, expected]


@pytest.mark.parametrize(
    ("more", "newest"),
    [
        ({}, None),  # made up for once
        ({"missed": "skip"}, "missed"),
        ({"missed_limit_seconds": 300}, "missed"),  # too old to be made up for
    ],
)
def test_slots_nobody_was_there_for(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
    more: dict[str, object],
    newest: str | None,
) -> None:
    """After hours away only the newest is made up for; each has its row, operators hear of it."""
    owner_connection.execute("delete from operator_events")
    # Ten minutes ago and further back, whatever the clock shows now.
    minute = (_now() - timedelta(minutes=10)).minute
    search_id = make_search(
        database,
        settings,
        person_a.id,
        cron=f"{minute} * * * *",
        due=_now() - 4 * HOUR - timedelta(minutes=15),
        **more,
    )
    enqueue()
    rows = read_occurrences(database, person_a.id, search_id)
    assert _skips(rows) == ["missed"] * 4 + [newest]
    assert len({row.slot_local for row in rows}) == 5
    events = owner_connection.execute(
        "select event, (detail ->> 'slots')::int from operator_events"
    ).fetchall()
    assert events == [("slot_missed", 5)]


def test_a_long_outage_is_made_up_for_once(
    database: Database, settings: Settings, person_a: Person, enqueue: Run
) -> None:
    """More slots than one transaction takes: all have their row, one job comes of it."""
    early_in_a_minute()
    search_id = make_search(
        database, settings, person_a.id, cron="* * * * *", due=_now() - 20 * HOUR
    )
    while not (done := enqueue()).is_done or done.searches:
        pass
    with database.owner(person_a.id) as session:
        rows = occurrences_page(session, search_id, limit=2000)
    assert len(rows) in (1200, 1201)
    assert len({row.slot_local for row in rows}) == len(rows)
    assert [row.job_id is not None for row in rows] == [True] + [False] * (len(rows) - 1)


def test_who_has_not_been_here_for_a_month_is_left_alone(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
) -> None:
    """No job, a row that says why; who opens the link of a text is there. Demand: 004-43"""
    search_id = make_search(database, settings, person_a.id, **just_now(), overlap="queue")
    job_id = make_job(database, settings, person_a.id)
    with database.owner(person_a.id) as session:
        link = ResultLink.create(
            session, settings, job_id=job_id, owner_id=person_a.id, purpose="text",
            expires_at=_now() + HOUR,
        )  # fmt: skip
    owner_connection.execute(
        "update users set last_seen_at = now() - interval '31 days' where id = %s", (person_a.id,)
    )
    enqueue()
    assert _skips(read_occurrences(database, person_a.id, search_id)) == ["away"]
    token_hash = hash_token(link_token(settings, link.id))
    owner_connection.execute(
        "update result_links set opened_at = now() where token_hash = %s", (token_hash,)
    )
    come_again(owner_connection)
    enqueue()
    assert _skips(read_occurrences(database, person_a.id, search_id)) == ["away", None]


def test_who_opened_a_link_is_remembered_beyond_it(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
) -> None:
    """Links end with their answers, after a week; what was opened before counts for the month."""
    search_id = make_search(database, settings, person_a.id, **just_now())
    job_id = make_job(database, settings, person_a.id)
    with database.owner(person_a.id) as session:
        ResultLink.create(
            session, settings, job_id=job_id, owner_id=person_a.id, purpose="text",
            expires_at=_now() + HOUR,
        )  # fmt: skip
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    owner_connection.execute(
        "update users set last_seen_at = now() - interval '31 days' where id = %s", (person_a.id,)
    )
    owner_connection.execute(
        "update result_links set opened_at = now() - interval '8 days' where job_id = %s",
        (job_id,),
    )
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 day' where id = %s", (job_id,)
    )
    with database.operator() as session:
        session.execute(query("prune_jobs"), {"most": 1000})
    enqueue()
    assert _skips(read_occurrences(database, person_a.id, search_id)) == [None]


def test_a_paused_search_rests(
    database: Database, settings: Settings, person_a: Person, enqueue: Run
) -> None:
    """Nothing happens, and what came meanwhile is not made up for when it is resumed."""
    search_id = make_search(
        database, settings, person_a.id, cron="* * * * *", due=_now() - 3 * HOUR
    )
    with database.owner(person_a.id) as session:
        session.get_one(SavedSearch, search_id).pause(PauseReason.PERSON)
    assert enqueue() == Enqueued()
    with database.owner(person_a.id) as session:
        session.get_one(SavedSearch, search_id).resume(_now())
    enqueue()
    assert len(read_occurrences(database, person_a.id, search_id)) <= 1


def test_a_schedule_nobody_understands_holds_up_no_other(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
) -> None:
    """Its zone is gone from the tz database: operators hear of it, the others run."""
    broken, sound = (make_search(database, settings, person_a.id, **just_now()) for _ in range(2))
    owner_connection.execute("delete from operator_events")
    owner_connection.execute(
        "update saved_searches set time_zone = 'Moon/Tranquility' where id = %s", (broken,)
    )
    done = enqueue()
    assert (done.searches, done.enqueued) == (2, 1)
    assert len(read_occurrences(database, person_a.id, sound)) == 1
    events = owner_connection.execute("select event, subject from operator_events").fetchall()
    assert events == [("schedule_not_understood", str(broken))]
    # Its slots wait for a release that understands it.
    owner_connection.execute("update saved_searches set time_zone = 'UTC', next_slot_at = now()")
    enqueue()
    assert len(read_occurrences(database, person_a.id, broken)) == 1


def test_a_row_the_database_refuses_holds_up_no_other(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
) -> None:
    """Such as one whose kind wants more attempts than fit: it is put off, and told of."""
    owner_connection.execute("delete from operator_events")
    refused = make_search(database, settings, person_a.id, **just_now())
    others = [make_search(database, settings, person_b.id, **just_now()) for _ in range(3)]
    owner_connection.execute(
        "alter table jobs add constraint refused check (saved_search_id is distinct from"
        f" '{refused}'::uuid) not valid"
    )
    try:
        done = enqueue()
    finally:
        owner_connection.execute("alter table jobs drop constraint refused")
    assert (done.enqueued, done.is_done) == (3, True)
    for search_id in others:
        assert _skips(read_occurrences(database, person_b.id, search_id)) == [None]
    events = owner_connection.execute("select event, subject from operator_events").fetchall()
    assert events == [("search_not_enqueued", str(refused))]
    owner_connection.execute("update saved_searches set next_slot_at = now()")
    enqueue()
    assert _skips(read_occurrences(database, person_a.id, refused)) == [None]


def test_who_was_erased_by_a_former_release_holds_up_nobody(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    enqueue: Run,
    owner_connection: psycopg.Connection,
) -> None:
    """That release knows no saved searches and leaves them behind."""
    make_search(database, settings, person_a.id, **just_now())
    other = make_search(database, settings, person_b.id, **just_now())
    owner_connection.execute("update users set erased_at = now() where id = %s", (person_a.id,))
    assert enqueue().enqueued == 1
    assert _skips(read_occurrences(database, person_b.id, other)) == [None]


@pytest.mark.parametrize(("spread", "within"), [(60, 12), (3, 3)])
def test_boards_are_not_hit_at_once(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    spread: float,
    within: float,
) -> None:
    """Sixty begin over twelve seconds, five in each; over less if the window is less."""
    searches = [make_search(database, settings, person_a.id, **just_now()) for _ in range(60)]
    enqueue(spread_seconds=spread)
    starts, waits = [], []
    for search_id in searches:
        (row,) = read_occurrences(database, person_a.id, search_id)
        assert row.job_id is not None
        job = read_job(database, person_a.id, row.job_id)
        assert job.not_before is not None
        starts.append(job.not_before)
        waits.append((job.not_before - row.decided_at).total_seconds())
    assert max(waits) <= within
    # Drawn evenly: a quarter of the time has more than half of them once in 30,000.
    began = min(starts)
    assert max(starts) - began > timedelta(seconds=0.75 * within)
    quarters = Counter(int(4 * (start - began).total_seconds() / within) for start in starts)
    assert max(quarters.values()) <= 30


@pytest.mark.parametrize(
    ("notify", "expected"), [("always", "sms"), ("new", "new"), ("never", "none")]
)
def test_who_wants_to_hear_of_it_has_a_link_ready(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    notify: str,
    expected: str,
) -> None:
    """The job knows whether to text, and its link exists before the text does."""
    give_phone(database, settings, person_a.id)
    search_id = make_search(database, settings, person_a.id, **just_now(), notify=notify)
    enqueue()
    (row,) = read_occurrences(database, person_a.id, search_id)
    assert row.job_id is not None
    assert read_job(database, person_a.id, row.job_id).notify == expected
    with database.owner(person_a.id) as session:
        links = session.query(ResultLink).filter_by(job_id=row.job_id).all()
    assert [link.purpose for link in links] == ([] if expected == "none" else ["text"])
    for link in links:
        assert link.token_hash == hash_token(link_token(settings, link.id))


def test_five_failures_in_a_row_and_it_rests(
    database: Database,
    settings: Settings,
    person_a: Person,
    enqueue: Run,
    no_other_texts: None,
    owner_connection: psycopg.Connection,
) -> None:
    """A success in between counts anew; at the fifth its person is told, in one text."""
    from tasks import sweeps

    give_phone(database, settings, person_a.id)
    search_id = make_search(database, settings, person_a.id, **just_now())

    def run_once(ends_well: bool) -> UUID:
        enqueue(spread_seconds=0)
        row = read_occurrences(database, person_a.id, search_id)[-1]
        assert row.job_id is not None
        claim = claim_job(database, row.job_id)
        with database.worker() as session:
            if ends_well:
                claim.succeed(session, {"counted": 1}, result_count=1)
            else:
                claim.fail(session, "broken", "It broke.")
        sweeps.settle_occurrences()
        come_again(owner_connection)
        return row.job_id

    for ends_well in (False, False, True, False, False, False, False):
        run_once(ends_well)
    assert _search(database, person_a, search_id).failures_in_a_row == 4
    last = run_once(False)
    search = _search(database, person_a, search_id)
    assert (search.failures_in_a_row, search.pause_reason) == (5, "failures")
    texts = owner_connection.execute("select job_id, purpose from notifications").fetchall()
    assert texts == [(last, "search_paused")]
    assert sweeps.settle_occurrences() == 0
