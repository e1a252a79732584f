"""When a text may go out: quiet hours, three a day, countries and caps, on a real Postgres."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from cast import Person, make_person
from factories import claim_job, give_phone, new_number
from processes import Processes, wait_for

from models import Database, Job, JobSource, Settings, User
from models.phone import PhoneKeys
from models.suppression import SuppressionReason, suppress
from tasks.submission import Submission, submit
from tasks.text_rules import REFUSALS, Verdict, judge

ZONE = "Asia/Seoul"


@dataclass
class Texts:
    """Makes texts that wait, and has them judged."""

    database: Database
    settings: Settings
    connection: psycopg.Connection

    def person(self, number: str | None = None, zone: str = ZONE) -> Person:
        """Return somebody with a proven number."""
        person = make_person(self.database)
        give_phone(self.database, self.settings, person.id, number)
        with self.database.owner(person.id) as session:
            session.get_one(User, person.id).time_zone = zone
        return person

    def text(self, person: Person, source: JobSource = JobSource.MANUAL) -> UUID:
        """Have a job end, and return its text."""
        submission = Submission(kind="count_slowly", params={}, source=source, notify="sms")
        with self.database.owner(person.id) as session:
            job_id = submit(session, self.settings, person.id, submission).id
        with self.database.worker() as session:
            ended = claim_job(self.database, job_id).succeed(
                session, {"counted": 1}, result_count=1
            )
        assert ended.notification_id is not None
        return ended.notification_id

    def judge(self, notification_id: UUID, **changed: object) -> Verdict:
        """Judge as the sender does."""
        row = self.connection.execute(
            "select job_id, owner_id from notifications where id = %s", (notification_id,)
        ).fetchone()
        assert row is not None
        settings = self.settings.model_copy(update={"quiet_hours": "00:00-00:00", **changed})
        with self.database.worker() as session:
            job, user = session.get_one(Job, row[0]), session.get_one(User, row[1])
            number = user.phone(PhoneKeys(settings))
            assert number is not None
            return judge(
                session,
                settings,
                notification_id=notification_id,
                job=job,
                user=user,
                number=number,
            )

    def events(self) -> list[tuple[str, dict[str, object]]]:
        """Return what operators were told about caps."""
        return self.connection.execute(
            "select subject, detail from operator_events where event = 'cap_hit' order by id"
        ).fetchall()  # type: ignore[return-value]


@pytest.fixture
def texts(
    database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> Iterator[Texts]:
    """Nothing was counted before, and nothing that is counted here disturbs another test."""
    for table in ("daily_counters", "operator_events"):
        owner_connection.execute(f"delete from {table}")
    yield Texts(database, settings, owner_connection)
    owner_connection.execute("delete from daily_counters")


def _around_now(zone: str) -> tuple[str, timedelta]:
    """Return quiet hours that it is in there, and how long they still last."""
    now = datetime.now(ZoneInfo(zone))
    end = now.replace(second=0, microsecond=0) + timedelta(hours=2)
    return f"{now - timedelta(hours=1):%H:%M}-{end:%H:%M}", end - now


def test_a_scheduled_text_waits_for_the_morning_and_a_manual_one_does_not(texts: Texts) -> None:
    """By the person's own clock; nothing is counted while it waits."""
    hours, left = _around_now(ZONE)
    person = texts.person()
    scheduled = texts.text(person, JobSource.SCHEDULE)
    verdict = texts.judge(scheduled, quiet_hours=hours)
    assert verdict.refuse is None
    assert verdict.wait_seconds == pytest.approx(left.total_seconds(), abs=120)
    assert texts.connection.execute("select * from daily_counters").fetchall() == []
    for source in (JobSource.MANUAL, JobSource.API, JobSource.RERUN):
        assert texts.judge(texts.text(person, source), quiet_hours=hours) == Verdict()
    elsewhere = texts.person(zone="America/New_York")
    assert texts.judge(texts.text(elsewhere, JobSource.SCHEDULE), quiet_hours=hours) == Verdict()
    assert texts.judge(scheduled) == Verdict()


def test_a_sender_leaves_a_scheduled_text_for_the_morning(
    texts: Texts, processes: Processes
) -> None:
    """It stays queued, not to be taken before, and that it had to wait was no attempt."""
    hours, left = _around_now(ZONE)
    processes.start(
        "worker", "--queues", "notifications", "--name", "texts", "--pool", "solo",
        QUIET_HOURS=hours,
    )  # fmt: skip
    scheduled = texts.text(texts.person(), JobSource.SCHEDULE)
    # It reads the environment when it is imported.
    sweeps = importlib.import_module("tasks.sweeps")

    def waits() -> tuple[object, ...] | None:
        sweeps.send_due_notifications()
        return texts.connection.execute(
            "select status, attempts, error_code from notifications"
            " where id = %s and not_before - clock_timestamp() > %s",
            (scheduled, left - timedelta(minutes=2)),
        ).fetchone()

    assert wait_for(waits, 30, "the wait of the text") == ("queued", 0, None)


def test_the_fourth_scheduled_text_of_a_day_is_not_sent(texts: Texts) -> None:
    """Three a day by the person's clock; searches by hand and yesterday's texts do not count."""
    person = texts.person()
    early = [texts.text(person, JobSource.SCHEDULE) for _ in range(3)]
    for one in early:
        assert texts.judge(one) == Verdict()
    assert texts.judge(texts.text(person)) == Verdict()
    fourth = texts.text(person, JobSource.SCHEDULE)
    assert texts.judge(fourth) == Verdict(refuse="daily_limit")
    assert texts.judge(early[0]) == Verdict(), "a second try of one that was let through"
    assert texts.judge(texts.text(texts.person(), JobSource.SCHEDULE)) == Verdict()
    midnight = datetime.now(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    texts.connection.execute(
        "update notifications set counted_at = %s where id = %s",
        (midnight - timedelta(seconds=1), early[0]),
    )
    assert texts.judge(fourth) == Verdict()


def test_of_many_scheduled_texts_at_once_three_go(texts: Texts) -> None:
    """Without the lock each would count before the others are counted."""
    person = texts.person()
    all_of_them = [texts.text(person, JobSource.SCHEDULE) for _ in range(8)]
    said: list[Verdict] = []
    begin = threading.Barrier(len(all_of_them))

    def one(notification_id: UUID) -> None:
        begin.wait()
        said.append(texts.judge(notification_id))

    threads = [threading.Thread(target=one, args=(text,)) for text in all_of_them]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdict.refuse or "" for verdict in said) == [""] * 3 + ["daily_limit"] * 5


@pytest.mark.parametrize(
    ("setting", "code", "scope", "detail"),
    [
        ("texts_per_number_a_day", "cap_number", "text_number", {"most": 2}),
        ("texts_per_country_a_day", "cap_country", "text_country", {"most": 2, "prefix": "82"}),
        ("texts_a_day", "cap_total", "text_total", {"most": 2}),
    ],
)
def test_each_cap_refuses_what_is_beyond_it_and_tells_operators_once(
    texts: Texts, setting: str, code: str, scope: str, detail: dict[str, object]
) -> None:
    """Of the number itself nothing is told."""
    person = texts.person()
    said = [texts.judge(texts.text(person), **{setting: 2}).refuse for _ in range(4)]
    assert said == [None, None, code, code]
    assert code in REFUSALS
    assert texts.events() == [(scope, detail)]


def test_caps_count_a_text_once_however_often_it_is_tried(texts: Texts) -> None:
    """A provider that is busy, a guard not passed, a resend: the same text, one text."""
    text = texts.text(texts.person())
    for _ in range(5):
        assert texts.judge(text, texts_a_day=1) == Verdict()
    assert texts.judge(texts.text(texts.person()), texts_a_day=1).refuse == "cap_total"


def test_a_text_whose_judging_is_rolled_back_is_not_counted(
    texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting and the mark that it is counted are one transaction."""
    text = texts.text(texts.person())

    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr("tasks.text_rules.update", away)
        with pytest.raises(ConnectionError):
            texts.judge(text)
    assert texts.connection.execute("select * from daily_counters").fetchall() == []
    assert texts.judge(text) == Verdict()


def test_where_texts_may_not_go_none_goes(texts: Texts) -> None:
    """A setting that was changed after the number was proven counts at once."""
    text = texts.text(texts.person("+447400123456"))
    assert texts.judge(text, text_countries="KR,US").refuse == "country_not_allowed"
    assert texts.judge(text, text_countries="*") == Verdict()


def test_who_wants_no_texts_gets_none(texts: Texts) -> None:
    """Whatever the source; it costs nothing of any cap."""
    number = new_number()
    text = texts.text(texts.person(number))
    with texts.database.operator() as session:
        fingerprint = PhoneKeys(texts.settings).fingerprint(number)
        suppress(session, fingerprint, SuppressionReason.LINK)
    assert texts.judge(text).refuse == "opted_out"
    assert texts.connection.execute("select * from daily_counters").fetchall() == []


def test_days_are_told_from_each_other(texts: Texts) -> None:
    """What was used up yesterday is there again today."""
    person = texts.person()
    assert texts.judge(texts.text(person), texts_a_day=1) == Verdict()
    assert texts.judge(texts.text(person), texts_a_day=1).refuse == "cap_total"
    texts.connection.execute(
        "update daily_counters set day = %s", (datetime.now(UTC).date() - timedelta(days=1),)
    )
    assert texts.judge(texts.text(person), texts_a_day=1) == Verdict()
