"""What can be kept fresh, from where, once, and how much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from factories import make_job
from PIL import Image
from posting_steps import words
from saved_steps import keep, kept

from models import Database, Settings
from models.saved_search import SavedSearch

Visit = Callable[..., Any]


def test_two_taps_save_one(searched: Any, owner_connection: psycopg.Connection) -> None:
    """Also when the answer to the first got lost; a changed form is another."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    first, second = (person.post("/saved", **fields, missed_hours="6") for _ in range(2))
    assert kept(first) == kept(second)
    third = person.post("/saved", **fields, missed_hours="6", name="Another")
    assert kept(third) != kept(first)
    assert owner_connection.execute("select count(*) from saved_searches").fetchone() == (2,)


def test_from_the_newest_search_of_a_kind(searched: Any, row: Any) -> None:
    """`?kind=` is the newest one; without any the form of that kind is shown.

    Demand: 004-1
    """
    person, _ = searched()
    _, newest = searched(person)
    assert f'href="/saved/new?job={newest}"' in person.get("/saved").text
    page = person.get("/saved/new?kind=posting_search").text
    assert f'name="job" value="{newest}"' in page
    answer = person.get("/saved/new?kind=count_slowly")
    assert answer.headers["Location"] == "/search/count_slowly"
    assert person.get("/saved/new").status_code == 404
    assert person.get("/saved/new?job=none").status_code == 404


def test_what_has_expired_is_not_kept(searched: Any, owner_connection: psycopg.Connection) -> None:
    """Its page says so, whether it expires before or after the form is opened."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    owner_connection.execute("update jobs set expires_at = now() where id = %s", (job,))
    for answer in (person.get(f"/saved/new?job={job}"), person.post("/saved", **fields)):
        assert answer.headers["Location"] == f"/jobs/{job}?gone"
    assert "/saved/new" not in person.get(f"/jobs/{job}").text


def test_more_than_may_be_saved(searched: Any, app: Any) -> None:
    """It says so above the form, and nothing typed is lost."""
    person, job = searched()
    most = 20
    for number in range(most):
        kept(keep(person, job, name=f"number {number}"))
    answer = keep(person, job, name="one too many")
    assert answer.status_code == 422
    assert f"You have {most} saved searches, which is the most." in answer.text
    assert 'value="one too many"' in answer.text


def test_texts_are_promised_to_proven_numbers_only(texted: Visit, searched: Any, row: Any) -> None:
    """None yet: they begin once there is one; with one, it and the limits are named."""
    person, job = searched()
    page = words(person.get(f"/saved/new?job={job}").text)
    assert "Texts begin once there is one" in page
    person, job = searched(texted())
    page = words(person.get(f"/saved/new?job={job}").text)
    assert "three a day at most." in page and "Between 21:00 and 09:00 they wait" in page
    saved_id = kept(keep(person, job, notify="always"))
    assert row(saved_id, "notify") == ("always",)
    person.press("/account", "/account/texts")
    page = words(person.get(f"/saved/new?job={job}").text)
    assert "are stopped, so none is sent." in page
    answer = keep(person, job, notify="always")
    assert answer.status_code == 422 and "Texts to your number are stopped." in answer.text


def test_what_is_kept_already_is_named(searched: Any) -> None:
    """On the page of the same question, instead of an offer to keep it once more."""
    person, job = searched()
    _, same = searched(person)
    saved_id = kept(keep(person, job, name="My bakers"))
    for one in (job, same):
        page = person.get(f"/jobs/{one}").text
        assert f'Kept fresh as <a href="/saved/{saved_id}">My bakers</a>' in page
        assert f"/saved/new?job={one}" not in page
    person.press(f"/saved/{saved_id}", f"/saved/{saved_id}/pause")
    assert "Kept fresh as My bakers Paused" in words(person.get(f"/jobs/{job}").text)
    other, theirs = searched()
    assert f"/saved/new?job={theirs}" in other.get(f"/jobs/{theirs}").text


def test_another_is_saved_from_the_list(
    searched: Any, work: Any, database: Database, settings: Settings, owner_of: Any
) -> None:
    """The newest search of each kind that is not kept yet, whatever is kept."""
    person, job = searched()
    slow = make_job(database, settings, owner_of(job), params={"steps": 1})
    work(slow)
    assert f"/saved/new?job={job}" in person.get("/saved").text
    kept(keep(person, job))
    page = person.get("/saved").text
    assert "Keep another search fresh" in page and f"/saved/new?job={slow}" in page
    assert f"/saved/new?job={job}" not in page
    assert 'href="/">New search</a>' in page


def test_photos_tell_searches_apart(
    visit: Visit, files: Path, tmp_path: Path, work: Any, owner_connection: psycopg.Connection
) -> None:
    """In the list, on the page of each, and in its form."""
    person = visit()
    photos = set()
    Image.new("RGB", (300, 300), "teal").save(tmp_path / "teal.jpg")
    for photo in (files / "coffee.jpg", tmp_path / "teal.jpg"):
        job = person.search(photo)
        work(job)
        saved_id = kept(keep(person, job))
        upload = owner_connection.execute(
            "select params->>'image' from jobs where id = %s", (job,)
        ).fetchone()
        assert upload is not None
        shown = f'<img class="saved-photo" src="/photos/{upload[0]}"'
        for path in ("/saved", f"/saved/{saved_id}", f"/saved/{saved_id}/edit"):
            assert shown in person.get(path).text, path
        photos.add(upload[0])
    assert len(photos) == 2


def test_nothing_saved_yet(visit: Visit, searched: Any) -> None:
    """It says how to get one, to a stranger too; whoever has searched here is led there."""
    person = visit()
    page = person.get("/saved").text
    assert "choose “Keep this fresh”" in page
    assert 'href="/saved"' not in person.get("/").text
    searched(person)
    assert 'href="/saved">Saved</a>' in person.get("/").text
    assert "저장한 검색이 아직 없어요." in visit("ko").get("/saved").text


def test_any_kind_can_be_kept_fresh(
    visit: Visit, database: Database, settings: Settings, work: Any, owner_of: Any, searched: Any
) -> None:
    """One of another package too; one that failed because of its input is not offered."""
    person, job = searched()
    owner = owner_of(job)
    slow = make_job(database, settings, owner, params={"steps": 1})
    work(slow)
    assert f"/saved/new?job={slow}" in person.get(f"/jobs/{slow}").text
    saved_id = kept(keep(person, slow))
    with database.owner(owner) as session:
        search = session.get_one(SavedSearch, saved_id)
        assert (search.kind, search.params["steps"]) == ("count_slowly", 1)
