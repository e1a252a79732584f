"""A result passed on by a link, and kept as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

Visit = Callable[..., Any]


@dataclass
class Found:
    """A search that has found something, and its person's browser."""

    person: Any
    job_id: UUID

    @property
    def page(self) -> str:
        """Its page."""
        return f"/jobs/{self.job_id}"

    def link(self) -> str | None:
        """Return the path of the link that its page shows."""
        shown = re.search(
            r'id="share-link" value="[^"]*(/r/[\w-]+)"', self.person.get(self.page).text
        )
        return shown and shown[1]

    def make(self) -> str | None:
        """Press the button that makes a link."""
        answer = self.person.press(self.page, f"{self.page}/links")
        assert answer.headers["Location"] == f"{self.page}#share"
        return self.link()


@pytest.fixture
def found(visit: Visit, files: Path, work: Callable[[UUID], None]) -> Found:
    """Somebody's finished search."""
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    work(job_id)
    return Found(person, job_id)


def test_a_link_is_made_opened_counted_renewed_and_ended(found: Found, visit: Visit) -> None:
    """It shows the result to anybody and nothing of its owner; the former one opens nothing."""
    assert found.link() is None
    first = found.make()
    assert first is not None
    assert "Not opened yet" in found.person.get(found.page).text
    stranger = visit()
    opened = stranger.get(first)
    assert opened.status_code == 200
    assert "alike" in opened.text
    assert str(found.job_id) not in opened.text
    assert "Stop these texts" not in opened.text, "only a text's own link may stop texts"
    assert "share-link" not in opened.text
    stranger.get(first)
    assert "Opened 2 times" in found.person.get(found.page).text

    second = found.make()
    assert second not in (None, first)
    assert stranger.get(first).status_code == 404
    assert stranger.get(second).status_code == 200

    end = f"{found.page}/links/revocation"
    found.person.press(found.page, end)
    assert found.link() is None
    assert stranger.get(second).status_code == 404
    again = found.person.post(end, **found.person.fields(found.page, f"{found.page}/links"))
    assert again.status_code == 303


def test_only_the_owner_passes_on_and_downloads(found: Found, visit: Visit) -> None:
    """For anybody else there is no such search."""
    stranger = visit()
    token = stranger.fields("/", "/")["csrf_token"]
    for path in (f"{found.page}/links", f"{found.page}/links/revocation"):
        assert stranger.post(path, csrf_token=token).status_code == 404
        assert found.person.post(path).status_code == 403, "without its form's token"
    assert found.link() is None
    for form in ("json", "csv"):
        assert stranger.get(f"{found.page}/result.{form}").status_code == 404


def test_two_browsers_at_once_make_one_link(
    found: Found, owner_connection: psycopg.Connection
) -> None:
    """Whichever is last holds; never two that open."""
    fields = found.person.fields(found.page, f"{found.page}/links")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: found.person.post(f"{found.page}/links", **fields), range(8)))
    live = owner_connection.execute(
        "select count(*) from result_links where job_id = %s and revoked_at is null",
        (found.job_id,),
    ).fetchone()
    assert live == (1,)


def test_a_search_that_runs_or_has_expired_is_not_passed_on(
    found: Found, files: Path, owner_connection: psycopg.Connection
) -> None:
    """There is nothing to see, so there is no button, and pressing it all the same does nothing."""
    link = found.make()
    waiting = Found(found.person, found.person.search(files / "coffee.jpg", force="yes"))
    fields = found.person.fields(found.page, f"{found.page}/links")
    assert 'id="share"' not in found.person.get(waiting.page).text
    assert found.person.post(f"{waiting.page}/links", **fields).headers["Location"] == waiting.page
    assert found.person.get(f"{waiting.page}/result.json").status_code == 404
    owner_connection.execute(
        "update jobs set expires_at = now() - interval '1 second' where id = %s", (found.job_id,)
    )
    assert found.person.get(link).status_code == 404
    assert 'id="share"' not in found.person.get(found.page).text
    found.person.post(f"{found.page}/links", **fields)
    links = owner_connection.execute(
        "select count(*) from result_links where job_id = %s", (found.job_id,)
    ).fetchone()
    assert links == (1,)


def test_a_result_is_kept_as_a_file(found: Found) -> None:
    """All of it as JSON; the products as a table, a line each."""
    answer = found.person.get(f"{found.page}/result.json")
    assert answer.mimetype == "application/json"
    assert re.search(r'filename="textback-[\d-]{10}-image_search.json"',
                     answer.headers["Content-Disposition"])  # fmt: skip
    products = json.loads(answer.text)["products"]
    answer = found.person.get(f"{found.page}/result.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert [row["title"] for row in rows] == [product["title"] for product in products]
    assert rows[0]["price.amount"] == products[0]["price"]["amount"]
    assert f"{found.page}/result.csv" in found.person.get(found.page).text
