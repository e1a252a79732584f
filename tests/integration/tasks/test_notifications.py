"""The text message of a job, by real workers and the console provider."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import (
    claim_job,
    give_phone,
    make_job,
    make_search,
    read_job,
    read_occurrences,
)
from processes import Processes, wait_for

from models import Database, Settings, User
from models.phone import PhoneKeys, PhoneNumber
from tasks.enqueueing import enqueue_due
from tasks.providers.sms.console import ConsoleSms
from tasks.submission import PhoneNotVerifiedError


@pytest.fixture
def number(database: Database, settings: Settings, person_a: Person) -> str:
    """The verified number of A, which A has from now on."""
    return give_phone(database, settings, person_a.id)


@pytest.fixture
def person_with_phone(person_a: Person, number: str) -> Person:
    """A, with a verified number."""
    return person_a


@pytest.fixture
def texts(settings: Settings, number: str) -> Callable[[], list[dict[str, str]]]:
    """The texts sent to A; sweeps may send what other tests left."""
    console = ConsoleSms.from_settings(settings)
    return lambda: [text for text in console.texts() if text["to"] == number]


def _status(connection: psycopg.Connection, job_id: UUID) -> str | None:
    row = connection.execute(
        "select status from notifications where job_id = %s", (job_id,)
    ).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize(
    ("kind", "locale", "words"),
    [
        ("count_slowly", "ko", "count_slowly 3건"),
        ("count_slowly", "en", "3 results"),
        ("hopeless", "ko", "hopeless 실패"),
        ("hopeless", "en", "ot finished"),
    ],
)
def test_a_job_texts_once_when_it_ends(
    database: Database,
    settings: Settings,
    person_with_phone: Person,
    processes: Processes,
    owner_connection: psycopg.Connection,
    texts: Callable[[], list[dict[str, str]]],
    kind: str,
    locale: str,
    words: str,
) -> None:
    """In the person's language, to their number, with a link, also when it failed.

    Demand: 000-3, 000-11
    """
    processes.start("worker", "--concurrency", "1")
    processes.start("worker", "--queues", "notifications", "--name", "texts", "--pool", "solo")
    job_id = make_job(
        database, settings, person_with_phone.id, kind=kind, notify="sms", locale=locale
    )
    wait_for(lambda: _status(owner_connection, job_id) == "sent", what="the text")
    sent = texts()
    with database.owner(person_with_phone.id) as session:
        number = session.get_one(User, person_with_phone.id).phone(PhoneKeys(settings))
    assert [text["to"] for text in sent] == [number]
    assert words in sent[0]["body"]
    counted = owner_connection.execute(
        "select segments from notifications where job_id = %s", (job_id,)
    ).fetchone()
    assert counted == (1,)
    assert re.search(rf"{re.escape(settings.base_url)}/r/[\w-]{{22}}$", sent[0]["body"])


def test_nobody_is_texted_who_did_not_ask_or_has_no_number(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Without a verified number the submit is refused; without the wish no row is written."""
    with pytest.raises(PhoneNotVerifiedError):
        make_job(database, settings, person_a.id, notify="sms")
    with database.owner(person_a.id) as session:
        user = session.get_one(User, person_a.id)
        user.set_phone(PhoneNumber.parse("010-1234-5678", "KR"), PhoneKeys(settings))
    with pytest.raises(PhoneNotVerifiedError):
        make_job(database, settings, person_a.id, notify="sms")
    silent = claim_job(database, make_job(database, settings, person_a.id))
    with database.worker() as session:
        assert silent.succeed(session, {"counted": 1}, result_count=1).notification_id is None
    assert _status(owner_connection, silent.job_id) is None


def test_a_text_whose_message_was_lost_is_sent_by_the_sweep(
    database: Database,
    settings: Settings,
    person_with_phone: Person,
    processes: Processes,
    sweeps: Callable[[], None],
    owner_connection: psycopg.Connection,
    texts: Callable[[], list[dict[str, str]]],
) -> None:
    """Redis held only a hint; the row says what is to be sent."""
    job_id = make_job(database, settings, person_with_phone.id, notify="sms")
    claim = claim_job(database, job_id)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)  # and no hint is published
    owner_connection.execute("update notifications set dispatched_at = now() - interval '1 minute'")
    processes.start("worker", "--queues", "notifications", "--name", "texts", "--pool", "solo")
    sweeps()
    wait_for(lambda: _status(owner_connection, job_id) == "sent", what="the text")
    assert len(texts()) == 1


def test_no_number_and_no_link_is_in_a_log(
    database: Database,
    settings: Settings,
    person_with_phone: Person,
    processes: Processes,
    owner_connection: psycopg.Connection,
    texts: Callable[[], list[dict[str, str]]],
    tmp_path: Path,
) -> None:
    """What workers print can be shown to anybody who runs the service."""
    processes.start("worker", "--concurrency", "1")
    processes.start("worker", "--queues", "notifications", "--name", "texts", "--pool", "solo")
    job_id = make_job(database, settings, person_with_phone.id, notify="sms")
    wait_for(lambda: _status(owner_connection, job_id) == "sent", what="the text")
    token = texts()[0]["body"].rsplit("/", 1)[1]
    number = texts()[0]["to"].removeprefix("+82")

    def logs() -> str:
        return "".join(path.read_text() for path in (tmp_path / "logs").glob("*.log"))

    wait_for(lambda: str(job_id) in logs(), what="a line about the job")
    assert number not in logs()
    assert token not in logs()
    assert read_job(database, person_with_phone.id, job_id).status == "succeeded"


@pytest.mark.parametrize(("failures", "words"), [(3, "ot finished"), (4, "aused")])
def test_a_failure_too_many_says_that_the_search_rests(
    database: Database,
    settings: Settings,
    person_with_phone: Person,
    processes: Processes,
    owner_connection: psycopg.Connection,
    texts: Callable[[], list[dict[str, str]]],
    failures: int,
    words: str,
) -> None:
    """To somebody who gets a text after every run, it is that run's text that says so."""
    owner_connection.execute("delete from saved_searches")
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    search_id = make_search(
        database, settings, person_with_phone.id, kind="hopeless", notify="always",
        cron=f"{minute.minute} {minute.hour} * * *", due=minute - timedelta(seconds=1),
    )  # fmt: skip
    owner_connection.execute("update saved_searches set failures_in_a_row = %s", (failures,))
    awake = {"QUIET_HOURS": "00:00-00:00"}
    processes.start("worker", "--concurrency", "1", **awake)
    processes.start("worker", "--queues", "notifications", "--name", "texts", "--pool", "solo",
                    **awake)  # fmt: skip
    enqueue_due(database, settings, seconds=10)
    (row,) = read_occurrences(database, person_with_phone.id, search_id)
    assert row.job_id is not None
    job_id = row.job_id
    wait_for(lambda: _status(owner_connection, job_id) == "sent", what="the text")
    (text,) = texts()
    assert words in text["body"]
