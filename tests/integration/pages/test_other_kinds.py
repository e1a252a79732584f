"""Jobs of other packages' kinds, and of kinds that are gone: the pages show them all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event as sqlalchemy_event

from tasks.registry import kinds

Visit = Callable[..., Any]

# What the params of somebody's kind may look like, where search by photo has others.
PARAMS = [
    {"image": "https://example.org/a.png"},
    {"image": 5, "categories": "news"},
    {"image": ["a"], "categories": [{"a": 1}, None, 3]},
    {"image": {"id": "x"}, "categories": {"news": True}},
    {"image": "0190b4e0-0000-7000-8000-000000000000"},
    {},
]


@pytest.fixture
def as_kind(owner_connection: psycopg.Connection) -> Callable[..., None]:
    """Make a job one of another kind, as a row says it."""

    def change(job_id: UUID, kind: str, params: Any) -> None:
        owner_connection.execute(
            "update jobs set kind = %s, params = %s where id = %s",
            (kind, json.dumps(params), job_id),
        )

    return change


@pytest.mark.parametrize("kind", ["count_slowly", "gone_with_its_package", "image_search"])
@pytest.mark.parametrize("params", PARAMS, ids=lambda params: json.dumps(params)[:30])
def test_any_params_are_shown(
    visit: Visit, files: Path, as_kind: Callable[..., None], kind: str, params: Any
) -> None:
    person = visit()
    job_id = person.search(files / "coffee.jpg")
    as_kind(job_id, kind, params)
    page = person.get(f"/jobs/{job_id}")
    assert page.status_code == 200
    assert "/photos/" not in page.text
    assert str(job_id) in person.get("/jobs").text
    assert person.get("/").status_code == 200


def test_other_kinds_have_their_own_title(
    visit: Visit, files: Path, as_kind: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the package calls it; a kind nobody knows any more has its name, in plain letters."""
    titled = replace(kinds()["count_slowly"], title="Counting, slowly")
    monkeypatch.setitem(kinds(), "count_slowly", titled)  # type: ignore[arg-type]
    person = visit()
    for category, kind, title in (
        ("drink", "count_slowly", "Counting, slowly"),
        ("bag", "gone_away", "Gone away"),
    ):
        job_id = person.search(files / "coffee.jpg", categories=category)
        as_kind(job_id, kind, {})
        assert title in person.get(f"/jobs/{job_id}").text
        assert title in person.get("/jobs").text


def test_the_list_costs_the_same_however_long_it_is(visit: Visit, files: Path, app: Any) -> None:
    person = visit()
    engine = app.extensions["textback.database"].engine
    statements: list[str] = []
    sqlalchemy_event.listen(
        engine, "before_cursor_execute", lambda *about: statements.append(about[2])
    )
    counts = []
    for other in ("dress", "top", "hat"):
        person.search(files / "coffee.jpg", categories=["drink", other])
        statements.clear()
        assert "Cups and drinks" in person.get("/jobs").text
        counts.append(len(statements))
    assert len(set(counts)) == 1
