"""The export: all of one person, nothing of anybody else, and no secret."""

from __future__ import annotations

import json
from typing import Any

from belongings import fill
from cast import Person
from factories import make_job

from models import ApiToken, BrowserSession, Database, Settings
from models.account import hash_secret
from models.exporting import export
from models.row_security import OWNED_TABLES


def exported(database: Database, settings: Settings, person: Person) -> dict[str, Any]:
    """Return the whole document."""
    found: dict[str, Any] = json.loads("".join(export(database, settings, person.id)))
    return found


def test_it_holds_all_of_a_person_and_nothing_of_another(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    number = fill(database, settings, person_a.id)
    other = fill(database, settings, person_b.id)
    everything = exported(database, settings, person_a)
    assert everything["account"]["phone"] == number
    assert everything["account"]["texts_stopped"]["by"] == "reply"
    counts = {name: len(rows) for name, rows in everything.items() if name != "account"}
    assert counts == {
        "sessions": 1, "tokens": 1, "codes": 1, "uploads": 1, "jobs": 2, "saved_searches": 1,
    }  # fmt: skip
    (search,) = everything["saved_searches"]
    assert (search["name"], search["cron_lines"]) == ("every morning", ["0 * * * *"])
    assert [one["cron_line"] for one in search["occurrences"]] == ["0 8 * * *"]
    assert [one["key"] for one in search["seen"]] == ["seen before"]
    done = next(job for job in everything["jobs"] if job["status"] == "succeeded")
    assert done["result"] == {"counted": 1}
    assert done["idempotency_key"] == "a key"
    told = [event["event"] for event in done["events"]]
    assert (told[0], told[-1]) == ("enqueued", "succeeded")
    assert [one["status"] for one in done["texts"]] == ["sent"]
    assert [one["purpose"] for one in done["links"]] == ["share"]
    whole = json.dumps(everything)
    assert other not in whole and str(person_b.id) not in whole
    # Each table of people is a part of it; whoever adds one decides where.
    assert OWNED_TABLES.keys() == {
        "users", "sessions", "api_tokens", "verification_codes", "jobs", "job_events", "uploads",
        "upload_chunks", "result_links", "notifications", "saved_searches", "occurrences",
        "sightings",
    }  # fmt: skip


def test_no_secret_is_in_it(database: Database, settings: Settings, person_a: Person) -> None:
    fill(database, settings, person_a.id)
    with database.owner(person_a.id) as session:
        token = ApiToken.create(session, person_a.id, "another")
        cookie = BrowserSession.start(session, person_a.id)
    whole = json.dumps(exported(database, settings, person_a))
    for secret in (token, cookie):
        assert secret not in whole
        assert hash_secret(secret).hex() not in whole


def test_it_comes_in_pieces_however_large(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """No piece holds more than one job, and pages of them follow each other without a gap."""
    jobs = {
        str(make_job(database, settings, person_a.id, params={"steps": n})) for n in range(1, 206)
    }
    pieces = list(export(database, settings, person_a.id))
    assert max(piece.count('"kind"') for piece in pieces) == 1
    everything = json.loads("".join(pieces))
    assert {job["id"] for job in everything["jobs"]} == jobs
    assert len(everything["jobs"]) == len(jobs)
