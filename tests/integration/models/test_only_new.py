"""What is new in a run of a saved search: told once, to one person, by whichever search sees it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import claim_job, give_phone, make_job, make_search, read_job

from models import Database, Ended, Job, SavedSearch, Settings
from models.errors import StaleFenceError


def _run(
    database: Database,
    settings: Settings,
    person: Person,
    search_id: UUID,
    found: Sequence[str],
    notify: str = "none",
    *,
    is_whole: bool = True,
) -> tuple[Job, Ended]:
    """Have a run of a search find these things."""
    job_id = make_job(database, settings, person.id, saved_search_id=search_id)
    with database.operator() as session:
        session.get_one(Job, job_id).notify = notify
    claim = claim_job(database, job_id)
    with database.worker_step() as step:
        ended = claim.succeed(
            step, {"counted": 1}, result_count=len(found), keys=found, is_whole=is_whole
        )
    return read_job(database, person.id, job_id), ended


def test_the_first_run_sets_what_is_known(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """It announces nothing; from the second on only what is new is, in the order it was found."""
    search_id = make_search(database, settings, person_a.id)
    first, ended = _run(database, settings, person_a, search_id, ["a", "b"], notify="new")
    assert (first.new_count, first.new_keys, ended.notification_id) == (None, None, None)
    with database.owner(person_a.id) as session:
        assert session.get_one(SavedSearch, search_id).baseline_at is not None
    second, ended = _run(database, settings, person_a, search_id, ["b", "a"], notify="new")
    assert (second.new_count, second.new_keys, ended.notification_id) == (0, [], None)
    third, ended = _run(database, settings, person_a, search_id, ["d", "a", "c", "d"], notify="new")
    assert (third.new_count, third.new_keys) == (2, ["d", "c"])
    assert ended.notification_id is not None


def test_a_first_run_that_finds_nothing_is_one_too(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """What comes after it is new."""
    search_id = make_search(database, settings, person_a.id)
    _run(database, settings, person_a, search_id, [])
    second, _ = _run(database, settings, person_a, search_id, ["a"])
    assert second.new_keys == ["a"]


def test_two_searches_tell_of_a_thing_once(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """What one of a person's searches has told is no news to another of theirs; to others it is."""
    mine, also_mine = (make_search(database, settings, person_a.id) for _ in range(2))
    theirs = make_search(database, settings, person_b.id)
    for person, search_id in ((person_a, mine), (person_a, also_mine), (person_b, theirs)):
        _run(database, settings, person, search_id, ["old"])
    assert _run(database, settings, person_a, mine, ["new", "old"])[0].new_keys == ["new"]
    assert _run(database, settings, person_a, also_mine, ["new", "other"])[0].new_keys == ["other"]
    assert _run(database, settings, person_b, theirs, ["new"])[0].new_keys == ["new"]


def test_what_another_search_knows_but_has_not_told_is_news(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """A search that is made after a posting came takes it as known, and told nobody of it."""
    mine = make_search(database, settings, person_a.id)
    _run(database, settings, person_a, mine, ["old"])
    later = make_search(database, settings, person_a.id)
    _run(database, settings, person_a, later, ["old", "a minute old"])
    assert _run(database, settings, person_a, mine, ["old", "a minute old"])[0].new_keys == [
        "a minute old"
    ]


def test_a_first_run_with_something_missing_is_no_measure(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """What a silent site has is no news when it answers; the third run counts, whatever lacks."""
    patient, impatient = (make_search(database, settings, person_a.id) for _ in range(2))
    runs: list[tuple[UUID, list[str], bool, list[str] | None]] = [
        (patient, ["a"], False, None),
        (patient, ["a", "b"], True, None),  # now all sites have answered
        (patient, ["a", "b", "c"], True, ["c"]),
        (impatient, ["a"], False, None),
        (impatient, ["a"], False, None),
        (impatient, ["a"], False, None),
        (impatient, ["a", "d"], False, ["d"]),
    ]
    for search_id, found, is_whole, new in runs:
        job, _ = _run(database, settings, person_a, search_id, found, is_whole=is_whole)
        assert job.new_keys == new


def test_two_runs_that_end_at_once_tell_of_a_thing_once(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """The person's row orders them: the second sees what the first has told."""
    searches = [make_search(database, settings, person_a.id) for _ in range(6)]
    for search_id in searches:
        _run(database, settings, person_a, search_id, [])
    claims = [
        claim_job(database, make_job(database, settings, person_a.id, saved_search_id=search_id))
        for search_id in searches
    ]
    start = threading.Barrier(len(claims))

    def end(n: int) -> None:
        start.wait()
        with database.worker_step() as step:
            claims[n].succeed(step, {"counted": 1}, result_count=1, keys=["the same"])

    threads = [threading.Thread(target=end, args=(n,)) for n in range(len(claims))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = [read_job(database, person_a.id, claim.job_id).new_count for claim in claims]
    assert sorted(count or 0 for count in counts) == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("lost", ["fence = fence + 1", "worker = 'another'"])
def test_an_attempt_that_lost_its_job_sees_nothing(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
    lost: LiteralString,
) -> None:
    """What a late attempt found was told by nobody, so it stays news."""
    search_id = make_search(database, settings, person_a.id)
    _run(database, settings, person_a, search_id, ["old"])
    claim = claim_job(
        database, make_job(database, settings, person_a.id, saved_search_id=search_id)
    )
    owner_connection.execute(f"update jobs set {lost} where id = %s", (claim.job_id,))
    with pytest.raises(StaleFenceError), database.worker_step() as step:
        claim.succeed(step, {"counted": 1}, result_count=1, keys=["news"])
    assert _run(database, settings, person_a, search_id, ["news"])[0].new_keys == ["news"]


def test_a_search_deleted_meanwhile_takes_nothing_along(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """Its run ends as any other, without a text that nobody wants any more."""
    give_phone(database, settings, person_a.id)
    search_id = make_search(database, settings, person_a.id)
    job_id = make_job(database, settings, person_a.id, saved_search_id=search_id)
    with database.operator() as session:
        session.get_one(Job, job_id).notify = "new"
    claim = claim_job(database, job_id)
    with database.owner(person_a.id) as session:
        session.delete(session.get_one(SavedSearch, search_id))
    with database.worker_step() as step:
        ended = claim.succeed(step, {"counted": 1}, result_count=1, keys=["a"])
    assert (ended.status, ended.notification_id) == ("succeeded", None)
    assert read_job(database, person_a.id, job_id).saved_search_id is None
