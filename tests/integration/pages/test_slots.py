"""The operator's page of slots, and the same for those without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from cast import Person
from click.testing import CliRunner
from factories import early_in_a_minute, make_search

from models import Database, Settings
from tasks.enqueueing import enqueue_due
from webapp.cli import main

Visit = Callable[..., Any]


@pytest.fixture
def slots(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Four slots nobody was there for, of which the newest was made up for, and one on time."""
    owner_connection.execute("delete from saved_searches")
    now = early_in_a_minute()
    minute = (now - timedelta(minutes=10)).minute
    for cron, due in (
        (f"{minute} * * * *", now - timedelta(hours=3, minutes=15)),
        ("* * * * *", now - timedelta(minutes=1)),
    ):
        make_search(database, settings, person_a.id, cron=cron, due=due, time_zone="Asia/Seoul")
    enqueue_due(database, settings, seconds=10)


def test_operators_see_what_came_of_slots(operator: Any, slots: None) -> None:
    """How many were due, ran and were missed, and each that was late, with its line."""
    page = operator.get("/operator/slots")
    assert page.status_code == 200
    text = page.text
    assert "Missed or more than a minute late" in text
    assert text.count("Our side was away at that time") == 3
    ran_late = text.count("<code>") - text.count("* * * *</code>") * 2
    assert ran_late == 1  # the job of the one that was made up for
    assert operator.get("/operator/texts").text.count("/operator/slots") >= 1
    # One zone in the head of each table, and each line with the zone of its own clock.
    heads = re.findall(r'<th scope="col">(?:Day|Due) \(UTC\)</th>', text)
    assert len(heads) == 2 and "data-local" not in text.partition("<h1>")[2]
    assert text.count("<small>Asia/Seoul</small>") == 4


def test_without_any_it_says_so(operator: Any, owner_connection: psycopg.Connection) -> None:
    """Nothing was due, and nothing late."""
    owner_connection.execute("delete from saved_searches")
    text = operator.get("/operator/slots").text
    assert "No saved search was due in the last days." in text
    assert "None: every slot of the last days was on time." in text


def test_to_others_the_page_does_not_exist(visit: Visit, settings: Settings) -> None:
    """Nor to somebody who is signed in."""
    person = visit()
    person.sign_in(settings)
    assert person.get("/operator/slots").status_code == 404
    assert visit().get("/operator/slots").status_code == 404


def test_the_command_tells_the_same(slots: None) -> None:
    """`textback slots`."""
    told = CliRunner().invoke(main, ["slots"])
    assert told.exit_code == 0, told.output
    assert told.output.count("  missed  [") == 3
    assert told.output.count("] Asia/Seoul  search ") == 4
    assert "still running 0" in told.output
    assert re.search(r"late half \d+\.\d s, 99 of 100 \d+\.\d s, most \d+\.\d s\n", told.output)
    assert sum("  job " in line for line in told.output.splitlines()) == 1
