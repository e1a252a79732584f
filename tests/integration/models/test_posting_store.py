"""Postings as they are kept: once, by whoever tells of them, and nobody's own shown to others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from models import Database
from models.posting import KeptPosting, NewPosting, Salary
from models.posting_store import PostingQuestion, find_postings, keep_postings
from models.queries import query

OWN, OTHERS = "feed:0123456789abcdef", "feed:fedcba9876543210"
COOK = NewPosting(
    title="Head cook",
    company="Potfield Ltd",
    location="Seoul",
    country="KR",
    url="https://example.com/jobs/1",
    salary=Salary(Decimal(20), Decimal(25), "USD", "hour"),
    posted_on=date(2026, 11, 20),
    description="Soups and stews.",
)


@pytest.fixture(autouse=True)
def no_postings(owner_connection: psycopg.Connection) -> Iterator[None]:
    """Nothing kept but the sample, before and after."""
    owner_connection.execute("delete from postings where site <> 'sample'")
    yield
    owner_connection.execute("delete from postings where site <> 'sample'")


def keep(database: Database, site: str, *told: NewPosting) -> list[KeptPosting]:
    with database.worker() as session:
        return keep_postings(session, site, told)


def find(database: Database, title: str, *sites: str, **asked: object) -> list[KeptPosting]:
    with database.worker() as session:
        return find_postings(session, PostingQuestion(title, sites, **asked), limit=100)  # type: ignore[arg-type]


def ids(found: list[KeptPosting]) -> list[UUID]:
    return [one.id for one in found]


def test_what_is_kept_is_found_as_it_was_told(database: Database) -> None:
    (kept,) = keep(database, "indeed", COOK)
    (found,) = find(database, "cook", "indeed", location="Seoul")
    assert found == replace(kept, told=COOK)
    assert found.told.salary is not None
    assert found.told.salary.yearly_maximum == 52_000


def test_a_posting_is_known_by_company_title_and_place(database: Database) -> None:
    (one,) = keep(database, "indeed", COOK)
    elsewhere = replace(COOK, company="POTFIELD", location="Seoul, South Korea", url=None)
    (other,) = keep(database, "linkedin", elsewhere)
    assert (other.id, other.first_seen_at) == (one.id, one.first_seen_at)
    (found,) = find(database, "cook", "indeed", "linkedin")
    assert found.addresses == (("indeed", COOK.url), ("linkedin", None))
    assert ids(find(database, "cook", "linkedin")) == [one.id]
    assert find(database, "cook", "glassdoor") == []


def test_a_posting_is_known_by_its_address(database: Database) -> None:
    (one,) = keep(database, "indeed", COOK)
    renamed = replace(COOK, title="Urgent: head cook!", url=f"{COOK.url}?utm_source=x#apply")
    (other,) = keep(database, "linkedin", renamed)
    assert other.id == one.id


def test_an_address_that_several_share_is_the_address_of_none(database: Database) -> None:
    """A feed may give each of its entries the address of the same page."""
    page = "https://example.com/careers"
    told = [replace(COOK, title=f"Cook {number}", url=page) for number in range(3)]
    assert len(keep(database, "indeed", *told)) == 3
    assert len(keep(database, "indeed", *told, replace(COOK, title="Baker", url=page))) == 4


def test_the_same_posting_twice_in_one_answer_is_one(database: Database) -> None:
    assert len(keep(database, "indeed", COOK, replace(COOK, url=None), COOK)) == 1


def test_a_site_tells_its_postings_anew_and_no_others(database: Database) -> None:
    keep(database, "indeed", COOK)
    keep(database, "linkedin", replace(COOK, description="Other words."))
    keep(database, "indeed", replace(COOK, description="Soups, stews and bread."))
    (found,) = find(database, "bread", "linkedin")
    assert found.told.description == "Soups, stews and bread."
    assert find(database, "other words", "indeed", "linkedin") == []


def test_a_persons_own_feed_is_shown_to_those_who_name_it(database: Database) -> None:
    """Neither its words nor its addresses reach anybody else, and it cannot speak for a board."""
    (own,) = keep(database, OWN, replace(COOK, description="Secret sauce."))
    assert ids(find(database, "cook", OWN)) == [own.id]
    assert find(database, "cook", OTHERS, "indeed") == []
    keep(database, "indeed", COOK)
    (seen,) = find(database, "cook", "indeed", OTHERS)
    assert (seen.id, seen.told.description) == (own.id, COOK.description)
    assert seen.addresses == (("indeed", COOK.url),)
    forged = replace(COOK, description="Send us money.", url="https://forged.example/1")
    keep(database, OTHERS, forged)
    (seen,) = find(database, "cook", "indeed")
    assert (seen.told.description, seen.told.url) == (COOK.description, COOK.url)


def test_a_persons_own_feed_cannot_claim_an_address_of_a_board(database: Database) -> None:
    keep(database, OWN, replace(COOK, title="Junk", company="Junk"))
    (told,) = keep(database, "indeed", COOK)
    (found,) = find(database, "cook", "indeed")
    assert (found.id, found.told.title) == (told.id, "Head cook")
    assert ids(find(database, "junk", OWN)) != [told.id]


def test_several_searches_that_find_the_same_at_once_keep_it_once(database: Database) -> None:
    """In any order, without waiting for each other in a circle."""
    told = [replace(COOK, title=f"Cook {number}", url=None) for number in range(60)]
    found: list[list[KeptPosting]] = []
    start = threading.Barrier(4)

    def search(step: int) -> None:
        start.wait()
        for turn in range(5):
            shifted = told[step * turn :] + told[: step * turn]
            found.append(keep(database, "indeed" if step % 2 else "linkedin", *shifted))

    threads = [threading.Thread(target=search, args=(step,)) for step in (1, 2, 7, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert {frozenset(ids(each)) for each in found} == {frozenset(ids(found[0]))}


def test_seeing_a_posting_again_writes_once_an_hour(
    database: Database, owner_connection: psycopg.Connection
) -> None:
    version = (
        "select xmin::text, last_seen_at from postings where key is not null and site='indeed'"
    )
    keep(database, "indeed", COOK)
    before = owner_connection.execute(version).fetchall()
    keep(database, "indeed", COOK)
    assert owner_connection.execute(version).fetchall() == before
    owner_connection.execute(
        "update postings set last_seen_at = now() - interval '2 hours' where site = 'indeed'"
    )
    keep(database, "indeed", COOK)
    ((_, seen_at),) = owner_connection.execute(version).fetchall()
    assert seen_at >= before[0][1]


def test_what_nobody_comes_upon_any_more_is_not_shown_and_then_removed(
    database: Database, owner_connection: psycopg.Connection
) -> None:
    keep(database, "indeed", COOK)
    age = "update postings set last_seen_at = now() - %s * interval '1 day' where site = 'indeed'"
    owner_connection.execute(age, (15,))
    assert find(database, "cook", "indeed") == []
    for days, removed in ((59, 0), (61, 1)):
        owner_connection.execute(age, (days,))
        with database.operator() as session:
            assert len(session.execute(query("prune_postings"), {"most": 100}).all()) == removed


@pytest.mark.parametrize("title", ["100%", "a_b", "\\", "'", "(", "a & b | !c <-> d", ":*", "<>"])
def test_signs_of_the_query_languages_are_but_signs(database: Database, title: str) -> None:
    keep(database, "indeed", COOK, replace(COOK, title="Axb", url=None))
    assert "Axb" not in [one.told.title for one in find(database, title, "indeed")]


def test_what_is_not_told_is_not_held_against_a_posting(database: Database) -> None:
    bare = NewPosting(title="Cook in Busan", url="https://example.com/2")
    keep(database, "indeed", bare)
    assert find(database, "cook", "indeed", job_type="full_time", country="KR", hours_old=1)
    assert find(database, "cook", "indeed", location="부산")
    assert find(database, "cook", "indeed", location="Seoul") == []
    assert find(database, "cook", "indeed", is_remote=True) == []


def test_remote_work_fits_every_place(database: Database) -> None:
    keep(database, "indeed", replace(COOK, location="Remote", country=None, is_remote=True))
    assert find(database, "cook", "indeed", location="Jeju", is_remote=True)
    assert find(database, "cook", "indeed", location="Jeju") == []


def test_only_workers_and_the_operator_may_touch_them(database: Database) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import ProgrammingError

    from models.ids import new_id

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        database.owner(new_id()) as own,
    ):
        own.execute(text("select 1 from postings"))
    with pytest.raises(ProgrammingError, match="permission denied"), database.worker() as session:
        session.execute(text("delete from postings"))
