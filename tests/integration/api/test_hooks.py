"""Reports about texts: forged, replayed, doubled, in disorder; and STOP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from cast import Person
from factories import claim_job, give_phone, make_job
from flask import Flask
from sqlalchemy import delete, select
from standins.twilio import ACCOUNT_SID, AUTH_TOKEN
from standins.twilio.handle import FROM
from twilio.request_validator import RequestValidator

from models import Database, NotificationClaim, NotificationStatus, Settings, TextToForget
from models.callback import callback_hash, callback_url
from models.phone import PhoneKeys
from models.queries import query

PUBLIC = "https://text.example.org"
SID, OTHER_SID = "SM" + "1" * 32, "SM" + "2" * 32


@dataclass
class Carrier:
    """Calls our hooks as Twilio does, or as somebody who would like to be it."""

    client: Any
    settings: Settings

    def report(
        self,
        notification_id: UUID,
        status: str,
        *,
        code: int | None = None,
        sid: str = SID,
        fence: int = 1,
        token: str = AUTH_TOKEN,
        url: str | None = None,
        signed_url: str | None = None,
        **more: str,
    ) -> int:
        """Report one status, signed for its address; returns what we answered."""
        url = url or callback_url(self.settings, notification_id, fence)
        fields = {"MessageSid": sid, "MessageStatus": status, "AccountSid": ACCOUNT_SID, "To": "+1"}
        if code:
            fields["ErrorCode"] = str(code)
        signature = RequestValidator(token).compute_signature(signed_url or url, fields)
        return self.call(urlsplit(url).path, fields | more, signature)

    def call(self, path: str, fields: dict[str, str], signature: str) -> int:
        """Post fields with a signature, to whatever host."""
        answer = self.client.post(
            path,
            data=fields,
            headers={"X-Twilio-Signature": signature},
            base_url="http://internal-name:8000",
        )
        return int(answer.status_code)

    def answer(self, number: str, words: str) -> int:
        """Pass on what somebody answered to a text."""
        fields = {"From": number, "Body": words, "To": FROM, "MessageSid": SID}
        url = f"{PUBLIC}/hooks/sms/inbound"
        return self.call(
            "/hooks/sms/inbound",
            fields,
            RequestValidator(AUTH_TOKEN).compute_signature(url, fields),
        )


@pytest.fixture
def carrier(make_app: Callable[..., Flask], settings: Settings) -> Carrier:
    """The carrier of an application behind a proxy, whose own name is another."""
    changes = {
        "sms_provider": "twilio",
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": settings.secret_key.__class__(AUTH_TOKEN),
        "twilio_from": FROM,
        "base_url": PUBLIC,
    }
    app = make_app(**changes)
    return Carrier(app.test_client(), settings.model_copy(update=changes))


@pytest.fixture
def sending(
    database: Database, settings: Settings, person_a: Person, owner_connection: psycopg.Connection
) -> Callable[[], NotificationClaim]:
    """Claim the text of a job that has ended, as a sender that is about to call the carrier."""

    def make() -> NotificationClaim:
        give_phone(database, settings, person_a.id)
        claim = claim_job(database, make_job(database, settings, person_a.id, notify="sms"))
        with database.worker() as session:
            text_id = claim.succeed(session, {"counted": 1}, result_count=1).notification_id
        assert text_id is not None
        with database.worker() as session:
            taken = NotificationClaim.take(
                session,
                text_id,
                holder="h/1/1/1",
                callback_hash=callback_hash(settings, text_id),
                lease_seconds=60,
            )
        assert taken is not None
        return taken

    return make


@pytest.fixture
def row(owner_connection: psycopg.Connection) -> Callable[[UUID], Any]:
    """Read (status, sid, code) of a text."""
    return lambda text_id: owner_connection.execute(
        "select status, provider_sid, error_code from notifications where id = %s", (text_id,)
    ).fetchone()


def test_a_report_that_is_quicker_than_the_answer_brings_text_and_id_together(
    carrier: Carrier, sending: Any, row: Any, database: Database
) -> None:
    """The sender's own word comes too late and changes nothing; so does a lost reply."""
    claim = sending()
    assert carrier.report(claim.id, "sent") == 204
    assert row(claim.id) == ("sent", SID, None)
    assert carrier.report(claim.id, "delivered") == 204
    assert row(claim.id) == ("delivered", SID, None)


@pytest.mark.parametrize(
    ("reports", "end"),
    [
        (["sent", "sent", "delivered", "delivered"], "delivered"),
        (["delivered", "sent", "queued"], "delivered"),
        (["failed", "delivered", "sent"], "failed"),
        (["undelivered", "delivered"], "undelivered"),
        (["delivered", "undelivered", "failed"], "delivered"),
        (["sending", "queued", "a-new-word", "sent"], "sent"),
    ],
)
def test_doubled_and_disordered_reports_end_where_the_first_end_was(
    carrier: Carrier, sending: Any, row: Any, reports: list[str], end: str
) -> None:
    """Never from failed to delivered, and never back."""
    claim = sending()
    for status in reports:
        assert carrier.report(claim.id, status) == 204
    assert row(claim.id)[:2] == (end, SID)


def test_forged_reports_are_refused_and_change_nothing(
    carrier: Carrier, sending: Any, row: Any
) -> None:
    """Another account's token, another address, a field more, another text's secret, none."""
    claim = sending()
    url = callback_url(carrier.settings, claim.id, 1)
    assert carrier.report(claim.id, "delivered", token="another-token") == 403
    assert carrier.report(claim.id, "delivered", signed_url=url.replace("https", "http")) == 403
    assert carrier.report(claim.id, "delivered", Price="0") == 403
    assert carrier.call(urlsplit(url).path, {"MessageStatus": "delivered"}, "") == 403
    wrong = url.rpartition("/")[0] + "/" + "A" * 22
    assert carrier.report(claim.id, "delivered", url=wrong) == 404
    other_fence = url.replace(f"{claim.id}/1/", f"{claim.id}/2/")
    assert carrier.report(claim.id, "delivered", url=other_fence) == 404
    assert row(claim.id)[0] == "sending"


def test_a_replayed_report_is_the_first_one_again(
    carrier: Carrier, sending: Any, row: Any, owner_connection: psycopg.Connection
) -> None:
    """There is no time in a signature; replaying one tells nothing new."""
    claim = sending()
    for _ in range(3):
        assert carrier.report(claim.id, "failed", code=30006) == 204
    assert row(claim.id) == ("failed", SID, "30006")
    told = owner_connection.execute(
        "select count(*) from operator_events where subject = %s", (str(claim.id),)
    ).fetchone()
    assert told == (0,)


def test_a_second_text_for_a_row_is_told_to_the_operator(
    carrier: Carrier, sending: Any, row: Any, owner_connection: psycopg.Connection
) -> None:
    """It must not happen; if it does, it is seen."""
    claim = sending()
    carrier.report(claim.id, "sent")
    assert carrier.report(claim.id, "sent", sid=OTHER_SID) == 204
    assert row(claim.id)[:2] == ("sent", SID)
    told = owner_connection.execute(
        "select event from operator_events where subject = %s", (str(claim.id),)
    ).fetchall()
    assert told == [("text_doubled",)]


def test_out_of_reach_is_tried_once_more_and_then_not_again(
    carrier: Carrier, sending: Any, row: Any, owner_connection: psycopg.Connection
) -> None:
    """30003, a quarter of an hour later; what is reported of the first try changes nothing then."""
    claim = sending()
    carrier.report(claim.id, "undelivered", code=30003)
    assert row(claim.id) == ("queued", None, "30003")
    carrier.report(claim.id, "undelivered", code=30003)
    assert row(claim.id)[0] == "queued"
    waits = owner_connection.execute(
        "select round(extract(epoch from not_before - updated_at)) from notifications"
        " where id = %s",
        (claim.id,),
    ).fetchone()
    assert waits == (900,)
    owner_connection.execute(
        "update notifications set status = 'sending', fence = 2 where id = %s", (claim.id,)
    )
    carrier.report(claim.id, "undelivered", code=30003, sid=OTHER_SID, fence=2)
    assert row(claim.id) == ("undelivered", OTHER_SID, "30003")


def test_late_reports_about_a_send_that_did_not_arrive_say_nothing_about_the_next(
    carrier: Carrier,
    sending: Any,
    row: Any,
    database: Database,
    owner_connection: psycopg.Connection,
) -> None:
    """The text waits to be sent again; erasing the account will have the first one deleted too."""
    claim = sending()
    assert carrier.report(claim.id, "undelivered", code=30003) == 204
    assert carrier.report(claim.id, "sent") == 204
    assert row(claim.id) == ("queued", None, "30003")
    owner_connection.execute(
        "update notifications set status = 'sending', fence = 2 where id = %s", (claim.id,)
    )
    assert carrier.report(claim.id, "sent", sid=OTHER_SID, fence=2) == 204
    assert carrier.report(claim.id, "sent") == 204
    assert row(claim.id)[:2] == ("sent", OTHER_SID)
    told = owner_connection.execute(
        "select count(*) from operator_events where subject = %s", (str(claim.id),)
    ).fetchone()
    assert told == (0,)
    owner_connection.execute(
        "update notifications set provider = 'twilio' where id = %s", (claim.id,)
    )
    with pytest.raises(ZeroDivisionError), database.operator() as session:
        session.execute(delete(TextToForget))
        session.execute(query("forget_texts"), {"account_id": claim.owner_id})
        assert {text.provider_sid for text in session.scalars(select(TextToForget))} == {
            SID, OTHER_SID,
        }  # fmt: skip
        raise ZeroDivisionError  # and have it undone: nobody is erased here


def test_what_turns_up_stops_a_text_that_was_to_be_sent_again(
    carrier: Carrier, sending: Any, row: Any, owner_connection: psycopg.Connection
) -> None:
    """Believed lost, queued for the one resend, and then the first is reported after all."""
    claim = sending()
    owner_connection.execute(
        "update notifications set status = 'queued', resends = 1 where id = %s", (claim.id,)
    )
    carrier.report(claim.id, "delivered")
    assert row(claim.id)[:2] == ("delivered", SID)


def test_filtered_texts_alert_and_opting_out_at_the_carrier_is_kept(
    carrier: Carrier,
    sending: Any,
    row: Any,
    owner_connection: psycopg.Connection,
    settings: Settings,
) -> None:
    """30007 is for the operator; 21610 is a wish of the person."""
    claim = sending()
    carrier.report(claim.id, "undelivered", code=30007)
    told = owner_connection.execute(
        "select event, detail->>'code' from operator_events where subject = %s", (str(claim.id),)
    ).fetchall()
    assert told == [("text_not_delivered", "30007")]


@pytest.mark.parametrize("word", ["STOP", "stop ", "Unsubscribe.", "수신거부"])
def test_stop_is_kept_and_start_takes_it_back(
    carrier: Carrier,
    settings: Settings,
    person_a: Person,
    database: Database,
    owner_connection: psycopg.Connection,
    word: str,
) -> None:
    """For the number, whatever account it is of; any other words mean nothing."""
    number = give_phone(database, settings, person_a.id)
    mine = PhoneKeys(settings).fingerprint(number)

    def kept() -> list[Any]:
        return owner_connection.execute(
            "select reason from suppressions where phone_hash = %s", (mine,)
        ).fetchall()

    assert carrier.answer(number, "Please stop by tomorrow") == 200
    assert kept() == []
    assert carrier.answer(number, word) == 200
    assert carrier.answer(number, word) == 200
    assert kept() == [("reply",)]
    assert carrier.answer(number, "Start") == 200
    assert kept() == []


def test_where_nobody_carries_texts_there_is_no_hook(app: Flask, person_a: Person) -> None:
    """The console calls nobody back."""
    answer = app.test_client().post("/hooks/sms/inbound", data={"From": "+1", "Body": "STOP"})
    assert answer.status_code == 404


def test_a_late_record_of_the_sender_does_not_take_an_end_back(
    carrier: Carrier, sending: Any, row: Any, database: Database
) -> None:
    """The report came first; the fence alone would let the sender write."""
    claim = sending()
    carrier.report(claim.id, "delivered")
    from models.errors import StaleFenceError

    with pytest.raises(StaleFenceError), database.worker() as session:
        claim.record(session, NotificationStatus.SENT, provider_sid=SID)
    assert row(claim.id)[0] == "delivered"
