"""The list of one's searches: those of one state, those some words mean, and how many run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from factories import make_job
from markupsafe import escape

from models import Database, Job, Settings


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


def test_searches_are_found_by_what_was_asked(
    visit: Callable[..., Any], files: Path, database: Database, settings: Settings
) -> None:
    """Words of the form, of the kind and of the categories, in the reader's language; no ids."""
    person = visit()
    cup = person.search(files / "coffee.jpg", categories="drink")
    dress = person.search(files / "coffee.jpg", categories="dress")
    with database.operator() as session:
        owner = session.get_one(Job, cup).owner_id
    counted = make_job(database, settings, owner, params={"marks": "Senior baker, 100% Seoul"})
    found = {
        "CUPS": [cup],
        "dress": [dress],
        "photo": [dress, cup],
        "baker": [counted],
        "100%": [counted],
        "100_": [],
        "nothing like it": [],
    }
    for words, wanted in found.items():
        page = person.get(f"/jobs?{urlencode({'q': words})}").text
        assert _listed(page) == [str(job) for job in wanted], words
        assert f'name="q" value="{escape(words)}"' in page
    photo = re.search(r"/photos/([\w-]{36})", person.get(f"/jobs/{cup}").text)
    assert photo is not None
    assert _listed(person.get(f"/jobs?q={photo[1][:8]}").text) == []
    assert _listed(person.get("/jobs?q=dress&status=failed").text) == []
    assert _listed(person.get("/jobs?q=%00").text) == [str(counted), str(dress), str(cup)]


def test_the_header_counts_what_has_not_ended(
    visit: Callable[..., Any], files: Path, work: Callable[[UUID], None]
) -> None:
    """On every page with an account, and anew for whoever asks; a stranger is told nothing."""
    person = visit()
    assert 'id="active"' not in person.get("/").text
    assert person.get("/jobs/active").status_code == 404
    first = person.search(files / "coffee.jpg")
    person.search(files / "coffee.jpg", categories="dress")
    for path in ("/", "/jobs", f"/jobs/{first}", "/account", "/jobs/active"):
        assert '<span class="hidden-label">2 in progress</span>' in person.get(path).text
    work(first)
    assert '<span class="hidden-label">1 in progress</span>' in person.get("/jobs/active").text
