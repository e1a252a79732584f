"""The stream of an open page: told of what begins or ends, and of nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from processes import wait_for
from sqlalchemy import select, update

from models import BrowserSession, Database, Job
from tasks import publishing
from tasks.wake import wake_person_on_commit
from webapp import places
from webapp.live import hub

Visit = Callable[..., Any]


class Changes:
    """An open page's stream, read on a thread of its own."""

    def __init__(self, visitor: Any, shown: str = "") -> None:
        """Open it, from a page that shows this number."""
        self.answer = visitor.get(f"/jobs/changes?active={shown}")
        self._told: Queue[str | None] = Queue()
        self.is_over = self.answer.status_code != 200
        if not self.is_over:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for piece in self.answer.response:
            if "data: " in (text := piece.decode()):
                self._told.put(text)
        self._told.put(None)

    def next(self) -> str | None:
        """Return what comes next, or None at the end."""
        told = self._told.get(timeout=10)
        self.is_over = told is None
        return told

    def is_silent(self) -> bool:
        """Whether nothing came that was not read."""
        try:
            self._told.get(timeout=1)
        except Empty:
            return True
        return False

    def catch_up(self, app: Flask) -> None:
        """Read all that was said so far."""
        # With the subscription all who listen are told that something may have been missed.
        wait_for(lambda: not hub(app)._redis_away, 30, "the subscription")
        publishing.flush()
        while not self.is_silent():
            pass


@pytest.fixture
def owner_of(database: Database) -> Callable[[UUID], UUID]:
    """Return whose job it is."""

    def find(job: UUID) -> UUID:
        with database.operator() as session:
            return session.get_one(Job, job).owner_id

    return find


@pytest.fixture
def open_page(database: Database, owner_of: Callable[[UUID], UUID]) -> Iterator[Any]:
    """Open streams, and end them after the test by ending their browsers' sessions."""
    opened: list[tuple[UUID, Changes]] = []

    def open_it(visitor: Any, job: UUID, shown: str = "") -> Changes:
        opened.append((owner_of(job), Changes(visitor, shown)))
        return opened[-1][1]

    yield open_it
    for owner, changes in opened:
        sign_out(database, owner)
        while not changes.is_over:
            changes.next()
        changes.answer.close()


def sign_out(database: Database, owner: UUID) -> None:
    """Take every browser of a person away, and tell their pages that something has changed."""
    with database.owner(owner) as session:
        session.execute(update(BrowserSession).values(revoked_at=BrowserSession.created_at))
        wake_person_on_commit(session, owner)


def test_a_page_hears_of_its_own_persons_searches_alone(
    app: Flask, visit: Visit, files: Path, work: Callable[[UUID], None], open_page: Any
) -> None:
    """At once where the page shows what is not true any more, then when one is made, begins or
    ends; a stranger has no stream.
    """
    person, other = visit(), visit()
    assert visit().get("/jobs/changes").status_code == 404
    first, theirs = person.search(files / "coffee.jpg"), other.search(files / "coffee.jpg")
    page = open_page(person, first)
    assert page.answer.mimetype == "text/event-stream"
    assert page.answer.headers["X-Accel-Buffering"] == "no"
    assert page.next() == "data: changed\n\n"
    page.catch_up(app)  # with the search made just before
    assert open_page(person, first, shown="1").is_silent()
    work(theirs)
    publishing.flush()
    assert page.is_silent()
    second = person.search(files / "coffee.jpg", categories="dress")
    assert page.next() == "data: changed\n\n"
    work(first)
    assert page.next() == "data: changed\n\n"
    page.catch_up(app)
    person.press(f"/jobs/{second}", f"/jobs/{second}/cancellation")
    assert page.next() == "data: changed\n\n"
    person.press(f"/jobs/{second}/deletion", f"/jobs/{second}/deletion")
    assert page.next() == "data: changed\n\n"


def test_who_is_signed_out_hears_no_more(
    app: Flask, visit: Visit, files: Path, open_page: Any, database: Database, owner_of: Any
) -> None:
    """The stream ends with the next change, which is not told any more."""
    person = visit()
    job = person.search(files / "coffee.jpg")
    page = open_page(person, job)
    assert page.next() is not None
    page.catch_up(app)
    sign_out(database, owner_of(job))
    assert page.next() is None
    with database.owner(owner_of(job)) as session:
        assert session.scalars(select(Job.id)).all() == [job]


def test_one_person_has_only_so_many_pages_open(
    app: Flask,
    visit: Visit,
    files: Path,
    open_page: Any,
    database: Database,
    owner_of: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is over is refused, and may ask by itself; a stream that ends gives its place back."""
    monkeypatch.setattr(places, "MOST_OF_ONE", 1)
    person = visit()
    job = person.search(files / "coffee.jpg")
    before = hub(app).watcher_count
    page = open_page(person, job)
    assert page.next() is not None
    assert Changes(person).answer.status_code == 429
    assert hub(app).watcher_count == before + 1
    sign_out(database, owner_of(job))
    wait_for(lambda: hub(app).watcher_count == before, 10, "the place to be free")
