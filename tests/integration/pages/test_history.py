"""The list of one's searches: those of one state alone, and how long each took."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg


def _listed(page: str) -> list[str]:
    return re.findall(r'<li class="card" id="job-([\w-]{36})"', page)


def test_searches_of_one_state_are_listed_alone(
    visit: Callable[..., Any],
    files: Path,
    work: Callable[[UUID], None],
    owner_connection: psycopg.Connection,
) -> None:
    """Each state has its list, an empty one a way back; one that is no state lists all."""
    person = visit()
    assert 'class="filters"' not in person.get("/jobs").text, "nothing to choose from"
    done = person.search(files / "coffee.jpg")
    work(done)
    waiting = person.search(files / "coffee.jpg", force="yes")
    owner_connection.execute(
        "update jobs set created_at = finished_at - interval '65 seconds' where id = %s", (done,)
    )
    everything = person.get("/jobs").text
    assert _listed(everything) == [str(waiting), str(done)]
    assert "took 1:05" in everything
    assert _listed(person.get("/jobs?status=succeeded").text) == [str(done)]
    assert _listed(person.get("/jobs?status=queued").text) == [str(waiting)]
    assert _listed(person.get("/jobs?status=nonsense").text) == [str(waiting), str(done)]
    failed = person.get("/jobs?status=failed").text
    assert _listed(failed) == []
    assert "None of your searches is like that." in failed
    assert re.search(r'href="/jobs\?status=failed" aria-current="page"', failed)
