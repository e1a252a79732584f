"""What becomes of a text whatever the provider answers: the real library, a real sender process."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import claim_job, give_phone, make_job
from faults.proxy import Effect, Proxy
from processes import Processes, wait_for
from pydantic import SecretStr
from standins.twilio import Behaviour, TwilioStandIn

from models import Database, NotificationClaim, Settings
from models.callback import callback_url
from tasks.text_errors import CODES, Then, action_for

SHORT = {"TEXT_LEASE_SECONDS": "20", "TEXT_LOOKS_SECONDS": "1,2"}
LATE_LOOKS = {"TEXT_LEASE_SECONDS": "20", "TEXT_LOOKS_SECONDS": "1,10"}
HELD = (
    "from pg_locks where locktype = 'advisory' and ((classid::bigint << 32) | objid::bigint) = %s"
)
IS_FREE = f"select not exists (select {HELD})"


def _tasks(name: str) -> Any:
    """Return a module that reads the environment when it is imported."""
    return importlib.import_module(f"tasks.{name}")


@dataclass
class Text:
    """One text of a job that has ended, and what its row says."""

    id: UUID
    job_id: UUID
    number: str
    _connection: psycopg.Connection

    def row(self, columns: str) -> Any:
        """Return columns of its row."""
        return self._connection.execute(
            f"select {columns} from notifications where id = %s", (self.id,)
        ).fetchone()

    def sweep(self) -> None:
        """Sweep as beat does; a hint that would count as lost in ten seconds is sent anew now."""
        self._connection.execute("update notifications set dispatched_at = null")
        _tasks("sweeps").send_due_notifications()

    def wait_for(self, status: str, seconds: float = 90) -> None:
        """Wait for a status; sweeps go on meanwhile, as in production."""

        def look() -> bool:
            self.sweep()
            return bool(self.row("status")[0] == status)

        try:
            wait_for(look, seconds, status)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.row('status, error_code, looks')}") from None


@pytest.fixture
def text(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    owner_connection: psycopg.Connection,
) -> Callable[[], Text]:
    """Have a job end and its text wait in the queue; nobody has been told of it."""

    def make() -> Text:
        number = give_phone(database, settings, person_a.id)
        job_id = make_job(database, settings, person_a.id, notify="sms")
        claim = claim_job(database, job_id)
        with database.worker() as session:
            ended = claim.succeed(session, {"counted": 1}, result_count=1)
            notification_id = ended.notification_id
        assert notification_id is not None
        return Text(notification_id, job_id, number, owner_connection)

    return make


@pytest.fixture
def start_sender(processes: Processes, twilio: TwilioStandIn) -> Callable[..., None]:
    """Start a process that sends texts through the stand-in."""

    def start(**looks: str) -> None:
        processes.start(
            "worker", "--queues", "notifications", "--name", "texts", "--pool", "solo",
            **twilio.environment, **looks,
        )  # fmt: skip
        wait_for(lambda: " ready." in processes.log(), what="the sender")

    return start


@pytest.fixture
def sender(start_sender: Callable[..., None]) -> None:
    """One that looks soon for what became of a text."""
    start_sender(**SHORT)


def test_a_text_goes_out_once_with_its_words_and_the_way_back(
    twilio: TwilioStandIn, text: Callable[[], Text], sender: None, settings: Settings
) -> None:
    """The provider has number, words with the link, and an address only it was told."""
    one = text()
    one.wait_for("sent")
    [taken] = twilio.messages
    assert taken["to"] == one.number
    assert f"{settings.base_url}/r/" in taken["body"]
    sid, segments, fence, holder = one.row("provider_sid, segments, fence, holder")
    assert (sid, segments, fence, holder) == (taken["sid"], 1, 1, None)
    assert taken["status_callback"] == callback_url(settings, one.id, 1)


@pytest.mark.parametrize("code", [code for code in CODES if code not in ("20429", "20500")])
def test_each_code_of_a_refusal_has_its_end(
    twilio: TwilioStandIn,
    text: Callable[[], Text],
    sender: None,
    owner_connection: psycopg.Connection,
    code: str,
) -> None:
    """Refused at once with a code of reliability's table: state, alert and opting out."""
    twilio.script(Behaviour("refuse", code=int(code), status=400))
    one = text()
    action = action_for(code)
    if action.then is Then.RETRY:
        one.wait_for("sent")
        assert len(twilio.messages) == 1
        return
    one.wait_for("failed")
    assert one.row("error_code")[0] == code
    assert twilio.messages == []
    told = owner_connection.execute(
        "select count(*) from operator_events where subject = %s", (str(one.id),)
    ).fetchone()
    assert told == (int(action.alert),)
    stopped = owner_connection.execute(
        "select reason from suppressions where phone_hash = (select phone_hash from users"
        " where id = (select owner_id from jobs where id = %s))",
        (one.job_id,),
    ).fetchone()
    assert stopped == (("carrier",) if action.opted_out else None)


def test_a_code_nobody_knows_goes_to_a_person(
    twilio: TwilioStandIn, text: Callable[[], Text], sender: None
) -> None:
    """Twilio may add codes at any time; guessing what one means could double a text."""
    twilio.script(Behaviour("refuse", code=29999, status=400))
    one = text()
    one.wait_for("needs_review")
    assert one.row("error_code")[0] == "29999"
    assert twilio.messages == []


def test_too_many_requests_wait_as_long_as_they_are_told(
    twilio: TwilioStandIn, text: Callable[[], Text], sender: None
) -> None:
    """429 was never processed, so it is sent again, and not before the header says."""
    twilio.script(Behaviour("throttle", retry_after=3))
    one = text()
    one.sweep()
    twilio.wait_requests(1)
    wait_for(lambda: one.row("error_code")[0] == "20429", what="its record")
    (waits,) = one.row("extract(epoch from not_before - updated_at)::float")
    assert waits >= 2.9
    one.wait_for("sent")
    assert len(twilio.messages) == 1


def test_a_carrier_that_is_away_for_hours_loses_no_text(
    twilio: TwilioStandIn,
    text: Callable[[], Text],
    sender: None,
    owner_connection: psycopg.Connection,
) -> None:
    """However often it was tried before; only when its link has ended is it given up, and told."""
    for status, ends in (("sent", "1 day"), ("failed", "0 days")):
        one = text()
        owner_connection.execute(
            "update notifications set attempts = 3000 where id = %s", (one.id,)
        )
        owner_connection.execute(
            "update jobs set expires_at = now() + interval %s where id = %s".replace(
                "interval %s", f"interval '{ends}'"
            ),
            (one.job_id,),
        )
        twilio.script(Behaviour("throttle", retry_after=1))
        one.sweep()
        wait_for(lambda one=one: one.row("error_code")[0] == "20429", what="a try")
        owner_connection.execute(
            "update notifications set not_before = now() where id = %s and status = 'queued'",
            (one.id,),
        )
        one.wait_for(status)
    told = owner_connection.execute(
        "select event from operator_events where subject = %s", (str(one.id),)
    ).fetchall()
    assert told == [("text_given_up",)]


def test_after_a_change_of_number_nothing_is_sent_again(
    twilio: TwilioStandIn,
    text: Callable[[], Text],
    sender: None,
    database: Database,
    settings: Settings,
    person_a: Person,
) -> None:
    """Looking for it under the new number would not find the one that went to the old."""
    twilio.script(Behaviour("fault", accepts=True, callbacks="never"))
    one = text()
    one.sweep()
    wait_for(lambda: one.row("status")[0] == "unknown", what="its record")
    give_phone(database, settings, person_a.id)
    one.wait_for("needs_review")
    assert len(twilio.messages) == 1


@pytest.mark.parametrize("how", ["fault", "reset", "close"])
@pytest.mark.parametrize("lag", [0, 8])
def test_what_was_taken_without_an_answer_is_found_and_not_sent_again(
    twilio: TwilioStandIn,
    text: Callable[[], Text],
    start_sender: Callable[..., None],
    how: Any,
    lag: int,
) -> None:
    """The list shows it, at once or after the first look; one text at the provider."""
    start_sender(**(LATE_LOOKS if lag else SHORT))
    twilio.script(Behaviour(how, accepts=True, listed_after=lag, callbacks="never"))
    one = text()
    one.wait_for("sent")
    [taken] = twilio.messages
    assert one.row("provider_sid, resends, looks") == (taken["sid"], 0, 0 if lag == 0 else 1)
    assert one.row("provider")[0] == "twilio"


@pytest.mark.parametrize("how", ["fault", "reset"])
def test_what_was_not_taken_is_sent_again_once_after_two_looks(
    twilio: TwilioStandIn, text: Callable[[], Text], sender: None, how: Any
) -> None:
    """The sender itself says that its request is over, and the list lacks it twice."""
    twilio.script(Behaviour(how))
    one = text()
    one.wait_for("sent")
    [taken] = twilio.messages
    assert one.row("provider_sid, resends, fence") == (taken["sid"], 1, 2)


def test_there_is_no_second_resend(
    twilio: TwilioStandIn,
    text: Callable[[], Text],
    sender: None,
    owner_connection: psycopg.Connection,
) -> None:
    """What stays unknown twice is a person's to decide, and an event says so."""
    twilio.script(Behaviour("fault"), times=2)
    one = text()
    one.wait_for("needs_review")
    assert one.row("resends, fence") == (1, 2)
    assert twilio.messages == []
    told = owner_connection.execute(
        "select event from operator_events where subject = %s", (str(one.id),)
    ).fetchall()
    assert told == [("text_needs_review",)]


def test_a_sender_that_freezes_in_its_guard_lets_go_and_sends_nothing(
    database: Database,
    settings: Settings,
    text: Callable[[], Text],
    owner_connection: psycopg.Connection,
) -> None:
    """Ten seconds later its row is free for others, and it hears that the session is lost."""
    one = text()
    url = settings.database_url.get_secret_value()
    with closing(Proxy.to(url)) as proxy:
        through = settings.model_copy(update={"database_url": SecretStr(proxy.through(url))})
        sender = _tasks("sender").Sender(through)
        with closing(sender):
            holder = sender.name()
            with database.worker() as session:
                claim = NotificationClaim.take(
                    session, one.id, holder=holder, callback_hash=b"x", lease_seconds=60
                )
            trap = proxy.trap(b"guarded_at = clock", effect=Effect.HOLD_REPLY)
            passed: list[bool] = []
            guarding = Thread(target=lambda: passed.append(sender.guard(claim)))
            guarding.start()
            assert trap.replied.wait(10)
            owner_connection.execute("set lock_timeout = '15s'")
            row = "select guarded_at from notifications where id = %s for update"
            assert owner_connection.execute(row, (one.id,)).fetchone() == (None,)
            proxy.heal()
            guarding.join(10)
            assert passed == [False]


# A sender that claims, passes the guard if told to, and then stands still for ever.
_FROZEN = """
import sys
from uuid import UUID
from models import Database, NotificationClaim, Settings
from tasks.sender import Sender
settings = Settings.from_env()
sender, database = Sender(settings), Database(settings)
name = sender.name()
with database.worker() as session:
    claim = NotificationClaim.take(
        session, UUID(sys.argv[1]), holder=name, callback_hash=b"x", lease_seconds=60
    )
database.dispose()
if sys.argv[2] == "guarded":
    assert sender.guard(claim)
print("ready", flush=True)
sys.stdin.readline()
print(sender.guard(claim), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def frozen(environment: dict[str, str]) -> Any:
    """Start such a sender; returns its process once it stands still."""
    started = []

    def start(one: Text, where: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _FROZEN, str(one.id), where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert process.stdout is not None
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _lapse(connection: psycopg.Connection) -> None:
    connection.execute(
        "update notifications set lease_until = now() - interval '1 s' where status = 'sending'"
    )
    _tasks("sweeps").send_due_notifications()
    connection.execute("update notifications set not_before = now() where status = 'unknown'")


def _look_twice(
    one: Text, twilio: TwilioStandIn, connection: psycopg.Connection, patch: pytest.MonkeyPatch
) -> None:
    for name, value in twilio.environment.items():
        patch.setenv(name, value)
    text_fates = _tasks("text_fates")
    patch.setattr(text_fates.runtime, "settings", Settings.from_env)
    for _ in range(2):
        connection.execute("update notifications set not_before = now() where status = 'unknown'")
        text_fates.look_for_text(str(one.id))


def test_frozen_before_the_guard_it_never_sends(
    text: Callable[[], Text], frozen: Any, owner_connection: psycopg.Connection
) -> None:
    """Its text goes back at once, and the guard lets the late one pass no more."""
    one = text()
    process = frozen(one, "claimed")
    _lapse(owner_connection)
    assert one.row("status, fence, looks") == ("queued", 2, 0)
    process.stdin.write("go on\n")
    process.stdin.flush()
    assert process.stdout.readline() == "False\n"


def test_frozen_after_the_guard_nobody_sends_for_it_while_it_lives(
    text: Callable[[], Text],
    frozen: Any,
    twilio: TwilioStandIn,
    owner_connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its lock is held, so a person decides; it may send at any moment."""
    one = text()
    frozen(one, "guarded")
    _lapse(owner_connection)
    _look_twice(one, twilio, owner_connection, monkeypatch)
    assert one.row("status, resends") == ("needs_review", 0)


def test_a_freed_lock_is_no_death_on_the_same_host(
    text: Callable[[], Text],
    frozen: Any,
    twilio: TwilioStandIn,
    owner_connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a restart of Postgres: the session is gone, the process is not."""
    one = text()
    frozen(one, "guarded")
    _lapse(owner_connection)
    lock = int(one.row("holder")[0].rsplit("/", 1)[1])
    ended = owner_connection.execute(
        f"select count(pg_terminate_backend(pid)) {HELD}", (lock,)
    ).fetchone()
    assert ended == (1,)
    _look_twice(one, twilio, owner_connection, monkeypatch)
    assert one.row("status, resends") == ("needs_review", 0)


def test_after_the_death_of_its_sender_a_text_is_sent_once_more(
    text: Callable[[], Text],
    frozen: Any,
    twilio: TwilioStandIn,
    owner_connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lock free, process gone, absent twice: once more, and only once."""
    one = text()
    process = frozen(one, "guarded")
    process.kill()
    process.wait()
    lock = int(one.row("holder")[0].rsplit("/", 1)[1])
    wait_for(
        lambda: owner_connection.execute(IS_FREE, [lock]).fetchone() == (True,), what="its lock"
    )
    _lapse(owner_connection)
    _look_twice(one, twilio, owner_connection, monkeypatch)
    assert one.row("status, resends, holder") == ("queued", 1, None)
