"""Fresh postings, from the feed to the phone: real workers, feeds that grow, two saved searches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from cast import Person
from factories import come_again, give_phone, just_now, make_search, read_job, read_occurrences
from processes import Processes, wait_for

from models import Database, Job, Settings
from tasks.enqueueing import enqueue_due
from tasks.providers.sms.console import ConsoleSms


def _feed(*postings: tuple[str, str]) -> str:
    """Return a JSON Feed of postings: (id, title)."""
    items = [
        {"id": id_, "url": f"https://jobs.example/{id_}", "title": title, "content_text": title}
        for id_, title in postings
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Jobs",
                       "items": items})  # fmt: skip


@dataclass
class Stage:
    """A person's saved searches, with workers and their sweeps at work."""

    database: Database
    settings: Settings
    person: Person
    connection: psycopg.Connection
    ended: Callable[..., Job]
    runs: dict[UUID, int] = field(default_factory=dict)

    def save(self, name: str) -> UUID:
        """Save a search of which a slot has just come."""
        search_id = make_search(
            self.database, self.settings, self.person.id, kind="posting_search",
            params={"job_title": "Python"}, name=name, **just_now(),
        )  # fmt: skip
        self.runs[search_id] = 0
        return search_id

    def run(self, search_id: UUID) -> Job:
        """Have a slot of a search dealt with, by us or a sweep, and wait for what is found."""
        if self.runs[search_id]:
            come_again(self.connection, search_id)
        self.runs[search_id] += 1
        enqueue_due(self.database, self.settings, seconds=10)

        def newest() -> UUID | None:
            rows = read_occurrences(self.database, self.person.id, search_id)
            return rows[-1].job_id if len(rows) == self.runs[search_id] else None

        return self.ended(wait_for(newest, what="the slot"))


def test_only_what_is_new_is_told_and_once(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    owner_connection: psycopg.Connection,
    ended: Callable[..., Job],
    tmp_path: Path,
) -> None:
    """Baseline, the same again, then two new ones: one text, with 2, though two searches see them
    and two feeds have them. Demand: 004-1, 004-38
    """
    owner_connection.execute("delete from saved_searches")
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    old = [("1", "Python developer at Ada"), ("2", "Python engineer at Bell")]
    first.write_text(_feed(*old))
    second.write_text(_feed(old[0]))
    environment = {
        "POSTING_SITES": "feed",
        "POSTING_FEEDS": f"{first},{second}",
        "QUIET_HOURS": "00:00-00:00",
    }
    processes.start("worker", "--concurrency", "1", **environment)
    processes.start("worker", "--queues", "notifications", "--name", "texts", "--pool", "solo",
                    **environment)  # fmt: skip
    console = ConsoleSms.from_settings(settings)
    before = len(console.texts())
    give_phone(database, settings, person_a.id)
    stage = Stage(database, settings, person_a, owner_connection, ended)
    baseline = [stage.run(stage.save(name)) for name in ("mine", "also mine")]
    assert [(job.result_count, job.new_count) for job in baseline] == [(2, None), (2, None)]
    assert [stage.run(search_id).new_count for search_id in stage.runs] == [0, 0]
    new = [("3", "Python teacher at Curie"), ("4", "Python tester at Darwin")]
    first.write_text(_feed(*old, *new))
    second.write_text(_feed(*new))
    third = [stage.run(search_id) for search_id in stage.runs]
    assert [(job.result_count, job.new_count) for job in third] == [(4, 2), (4, 0)]

    def texts() -> list[dict[str, Any]]:
        return list(console.texts()[before:])

    wait_for(texts, what="the text")
    told = owner_connection.execute("select job_id, purpose from notifications").fetchall()
    assert told == [(third[0].id, "job_ended")]
    (text,) = texts()
    assert "2 new of 4" in text["body"]
    postings = (read_job(database, person_a.id, third[0].id).result or {})["postings"]
    titles = {posting["id"]: posting["title"] for posting in postings}
    assert {titles[key] for key in third[0].new_keys or ()} == {title for _, title in new}
