"""The stand-in for Twilio is as the real library expects it, and says truly what reached it."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from processes import wait_for
from standins.twilio import ACCOUNT_SID, AUTH_TOKEN, Behaviour, TwilioStandIn, read_ledger
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

NUMBER, OTHER = "+821012345678", "+12025550123"


class _Http(TwilioHttpClient):
    """The library's own client, with another address."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=5)
        self._url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self._url}{parts.path}{query}", *args, **kwargs)


@pytest.fixture
def client(twilio: TwilioStandIn) -> Client:
    """The real library, speaking to the stand-in."""
    return Client(ACCOUNT_SID, AUTH_TOKEN, http_client=_Http(twilio.url))


class _Listener(ThreadingHTTPServer):
    """Takes callbacks, as the product does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ListenerHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/sms?x=1&y=%ED%95%9C"
        self.seen: list[tuple[dict[str, str], str | None]] = []


class _ListenerHandler(BaseHTTPRequestHandler):
    server: _Listener

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append((dict(parse_qsl(body)), self.headers.get("X-Twilio-Signature")))
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def listener() -> Iterator[_Listener]:
    """A listener on loopback."""
    server = _Listener()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_message_is_taken_found_and_deleted(twilio: TwilioStandIn, client: Client) -> None:
    """Create, list by number, fetch, delete; and its line in the ledger stays."""
    sent = client.messages.create(to=NUMBER, body="안녕", from_="+12025550100")
    assert (sent.status, sent.num_segments, sent.date_sent) == ("queued", "1", None)
    wait_for(lambda: client.messages(sent.sid).fetch().status == "delivered", what="its delivery")
    assert [found.sid for found in client.messages.list(to=NUMBER)] == [sent.sid]
    assert client.messages.list(to=OTHER) == []
    assert client.messages(sent.sid).delete()
    assert client.messages.list() == twilio.messages == []
    lines = [line for line in twilio.ledger_lines() if line.get("sid") == sent.sid]
    assert [line["what"] for line in lines] == ["accepted", "status", "status", "deleted"]
    assert (lines[0]["to"], lines[0]["body"]) == (NUMBER, "안녕")


def test_a_messaging_service_counts_no_segments_at_first(client: Client) -> None:
    """It has no sender yet."""
    sent = client.messages.create(to=NUMBER, body="x", messaging_service_sid="MG" + "c" * 32)
    assert (sent.status, sent.num_segments, sent.from_) == ("accepted", "0", None)


def test_the_list_comes_newest_first_in_pages_and_by_date(
    twilio: TwilioStandIn, client: Client
) -> None:
    """A queued message has no DateSent and is not found by it."""
    sids = [
        client.messages.create(to=NUMBER, body=str(n), from_="+12025550100").sid for n in range(5)
    ]
    wait_for(lambda: all(each["date_sent"] for each in twilio.messages), what="all to be sent")
    twilio.otherwise(Behaviour(fate="queued"))
    queued = client.messages.create(to=NUMBER, body="queued", from_="+12025550100").sid
    assert [each.sid for each in client.messages.list(page_size=2)] == [queued, *reversed(sids)]
    assert len(client.messages.list(page_size=2, limit=3)) == 3
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    found = client.messages.list(to=NUMBER, date_sent_after=hour_ago)
    assert [each.sid for each in found] == [*reversed(sids)]
    assert client.messages.list(date_sent_before=hour_ago) == []
    with pytest.raises(TwilioRestException, match="before it is complete"):
        client.messages(queued).delete()


def test_a_message_may_be_missing_in_the_list_for_a_while(client: Client, twilio: Any) -> None:
    """It can be fetched by its id all the same."""
    twilio.script(Behaviour(listed_after=2))
    sid = client.messages.create(to=NUMBER, body="x", from_="+12025550100").sid
    assert client.messages.list(to=NUMBER) == []
    assert client.messages(sid).fetch().sid == sid
    wait_for(lambda: client.messages.list(to=NUMBER), what="the message in the list")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"to": "+82", "body": "x", "from_": OTHER}, 21211),
        ({"to": NUMBER, "from_": OTHER}, 21602),
        ({"to": NUMBER, "body": "x"}, 21603),
        ({"to": NUMBER, "body": "x" * 1601, "from_": OTHER}, 21617),
        ({"to": NUMBER, "body": "x", "from_": OTHER, "status_callback": "nowhere"}, 21609),
    ],
)
def test_a_wrong_message_is_refused(client: Client, values: dict[str, str], code: int) -> None:
    """With Twilio's own code."""
    with pytest.raises(TwilioRestException) as raised:
        client.messages.create(**values)
    assert (raised.value.status, raised.value.code) == (400, code)


def test_a_wrong_token_is_refused(twilio: TwilioStandIn) -> None:
    """401, and nothing is taken."""
    stranger = Client(ACCOUNT_SID, "wrong", http_client=_Http(twilio.url))
    with pytest.raises(TwilioRestException, match="Authentication"):
        stranger.messages.create(to=NUMBER, body="x", from_=OTHER)
    assert twilio.messages == []


def test_callbacks_are_signed_as_the_library_checks_them(
    client: Client, twilio: TwilioStandIn, listener: _Listener
) -> None:
    """Two statuses, each over the whole address with its query."""
    twilio.script(Behaviour(fate="undelivered", fate_code=30005, fate_after=1))
    client.messages.create(to=NUMBER, body="x", from_=OTHER, status_callback=listener.url)
    twilio.wait_callbacks(2)
    assert [fields["MessageStatus"] for fields, _ in listener.seen] == ["sent", "undelivered"]
    assert [fields.get("ErrorCode") for fields, _ in listener.seen] == [None, "30005"]
    validator = RequestValidator(AUTH_TOKEN)
    assert all(validator.validate(listener.url, fields, sign) for fields, sign in listener.seen)


@pytest.mark.parametrize(
    ("callbacks", "statuses"),
    [
        ("doubled", ["sent", "sent", "delivered", "delivered"]),
        ("disordered", ["delivered", "sent"]),
    ],
)
def test_callbacks_come_doubled_and_in_disorder(
    client: Client, twilio: TwilioStandIn, listener: _Listener, callbacks: Any, statuses: list[str]
) -> None:
    """As told."""
    twilio.script(Behaviour(callbacks=callbacks))
    client.messages.create(to=NUMBER, body="x", from_=OTHER, status_callback=listener.url)
    twilio.wait_callbacks(len(statuses))
    seen = [fields["MessageStatus"] for fields, _ in listener.seen]
    assert seen == statuses if callbacks == "disordered" else sorted(seen) == sorted(statuses)


def test_a_callback_by_hand_may_be_forged(
    client: Client, twilio: TwilioStandIn, listener: _Listener
) -> None:
    """Signed with another token, or not at all."""
    twilio.script(Behaviour(callbacks="never"))
    sid = client.messages.create(to=NUMBER, body="x", from_=OTHER, status_callback=listener.url).sid
    for token in (None, "forged", ""):
        assert twilio.callback(sid, "delivered", token=token) == 204
    validator = RequestValidator(AUTH_TOKEN)
    signs = [sign for _, sign in listener.seen]
    assert signs[2] is None
    fields = listener.seen[0][0]
    assert [validator.validate(listener.url, fields, sign or "") for sign in signs] == [
        True, False, False,
    ]  # fmt: skip


def test_who_says_stop_is_refused_until_start(
    client: Client, twilio: TwilioStandIn, listener: _Listener
) -> None:
    """21610, as Twilio does by itself."""
    assert twilio.inbound("Stop", from_=NUMBER, url=listener.url) == 204
    assert listener.seen[0][0]["OptOutType"] == "STOP"
    with pytest.raises(TwilioRestException) as raised:
        client.messages.create(to=NUMBER, body="x", from_=OTHER)
    assert raised.value.code == 21610
    twilio.inbound("START", from_=NUMBER, url=listener.url)
    assert client.messages.create(to=NUMBER, body="x", from_=OTHER).sid


def test_a_seed_repeats_its_moods(tmp_path: Path) -> None:
    """The same seed treats the n-th request alike, another does not."""
    treated = []
    for seed in ("7", "7", "8"):
        stand_in = TwilioStandIn.start(tmp_path / "ledger.jsonl", "--seed", seed, "--hang", "0")
        try:
            client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=_Http(stand_in.url))
            for number in range(60):
                try:
                    client.messages.create(to=NUMBER, body=str(number), from_=OTHER)
                except Exception:  # noqa: BLE001 - whatever it is, it is drawn
                    continue
            treated.append([request["treated"] for request in stand_in.requests])
            taken = [line["body"] for line in stand_in.accepted()][-len(stand_in.messages) :]
            assert sorted(taken) == sorted(each["body"] for each in stand_in.messages)
        finally:
            stand_in.stop()
    assert treated[0] == treated[1] != treated[2]
    assert len(set(treated[0])) > 4
    assert all(line["at"] for line in read_ledger(tmp_path / "ledger.jsonl"))


def test_half_a_request_is_none(twilio: TwilioStandIn) -> None:
    """Whoever was killed while writing it has asked for nothing."""
    place = urlsplit(twilio.url)
    login = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
    head = (
        f"POST /2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json HTTP/1.1\r\nHost: it\r\n"
        f"Authorization: Basic {login}\r\nContent-Length: 40\r\n\r\nTo=%2B82"
    )
    with socket.create_connection((place.hostname, place.port), timeout=5) as line:
        line.sendall(head.encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""  # not even an answer
    assert (twilio.requests, twilio.messages) == ([], [])
