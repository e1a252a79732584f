"""Fresh postings, from the feed to the phone: real workers, feeds that grow, two saved searches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from cast import Person
from factories import give_phone, make_search, read_job, read_occurrences
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


def _run(
    database: Database,
    settings: Settings,
    connection: psycopg.Connection,
    ended: Callable[..., Job],
    person: Person,
    searches: list[UUID],
) -> list[Job]:
    """Have a slot of each search come, one search after the other, and wait for what is found."""
    found = []
    for search_id in searches:
        connection.execute(
            "update occurrences set slot_local = slot_local - interval '1 day'"
            " where saved_search_id = %s",
            (search_id,),
        )
        connection.execute(
            "update saved_searches set planned_until = now() - interval '1 minute',"
            " next_slot_at = now() where id = %s",
            (search_id,),
        )
        enqueue_due(database, settings, seconds=10)
        job_id = read_occurrences(database, person.id, search_id)[-1].job_id
        assert job_id is not None
        found.append(ended(job_id))
    return found


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
    searches = [
        make_search(
            database, settings, person_a.id, kind="posting_search", cron="* * * * *",
            params={"job_title": "Python"}, name=name,
        )
        for name in ("mine", "also mine")
    ]  # fmt: skip

    def run() -> list[Job]:
        return _run(database, settings, owner_connection, ended, person_a, searches)

    baseline = run()
    assert [(job.result_count, job.new_count) for job in baseline] == [(2, None), (2, None)]
    assert [job.new_count for job in run()] == [0, 0]
    new = [("3", "Python teacher at Curie"), ("4", "Python tester at Darwin")]
    first.write_text(_feed(*old, *new))
    second.write_text(_feed(*new))
    third = run()
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
