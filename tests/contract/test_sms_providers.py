"""Every SmsProvider keeps the same promises; Twilio's with its real library over a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tasks.providers.sms import twilio
from tasks.providers.sms.base import Outcome, SmsError, SmsProvider
from tasks.providers.sms.console import ConsoleSms
from tasks.providers.sms.twilio import TwilioSms

ACCOUNT = "AC" + "a" * 32


class TwilioStandIn(ThreadingHTTPServer):
    """Answers Twilio's create-message call as told, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, str]] = []
        self.answer: tuple[int, dict[str, object]] | str = (201, {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: TwilioStandIn

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {key: values[0] for key, values in parse_qs(body).items()}
        self.server.asked.append({"path": self.path, **asked})
        answer = self.server.answer
        if answer == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if answer == "hang":
            threading.Event().wait(3)
            return
        assert isinstance(answer, tuple)
        status, content = answer
        if status == 201:
            content = {"sid": "SM" + "b" * 32, "status": "queued", "num_segments": "1"}
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


@pytest.fixture
def stand_in() -> Iterator[TwilioStandIn]:
    """A stand-in for Twilio on loopback."""
    server = TwilioStandIn()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["console", "twilio"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> SmsProvider:
    """Each implementation in turn."""
    if request.param == "console":
        return ConsoleSms(tmp_path / "texts.jsonl")
    server = request.getfixturevalue("stand_in")
    return TwilioSms(
        account_sid=ACCOUNT, auth_token="t", sender="+15005550006", base_url=server.url
    )


def test_a_sent_text_has_an_id_of_its_own(provider: SmsProvider) -> None:
    """Korean words arrive as they were."""
    sent = provider.send(to="+821012345678", body="검색 결과 24건이 준비됐어요. http://x/r/y")
    assert sent.sid
    assert provider.name in ("console", "twilio")


def test_console_keeps_every_text_in_order_for_this_account_alone(tmp_path: Path) -> None:
    """The file is what the terminal and /dev/phone show."""
    console = ConsoleSms(tmp_path / "deep" / "texts.jsonl")
    assert console.texts() == []
    for number in range(3):
        console.send(to="+821012345678", body=f"안녕 {number}\nline two")
    assert [text["body"] for text in console.texts()] == [f"안녕 {n}\nline two" for n in range(3)]
    assert console.path.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def via_twilio(stand_in: TwilioStandIn) -> Callable[[], None]:
    """Send one text through the real library to the stand-in."""
    sender = TwilioSms(
        account_sid=ACCOUNT, auth_token="t", sender="MG" + "c" * 32, base_url=stand_in.url
    )
    return lambda: sender.send(to="+821012345678", body="x")


def test_twilio_is_asked_as_its_api_wants(
    stand_in: TwilioStandIn, via_twilio: Callable[[], None]
) -> None:
    """Path, recipient, words and a Messaging Service as the sender."""
    via_twilio()
    assert stand_in.asked == [
        {
            "path": f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
            "To": "+821012345678",
            "Body": "x",
            "MessagingServiceSid": "MG" + "c" * 32,
        }
    ]


@pytest.mark.parametrize(
    ("answer", "outcome", "permanent", "code"),
    [
        ((429, {"code": 20429, "message": "slow down"}), Outcome.NOT_SENT, False, "20429"),
        ((400, {"code": 21211, "message": "no such number"}), Outcome.NOT_SENT, True, "21211"),
        ((400, {"code": 21610, "message": "opted out"}), Outcome.NOT_SENT, True, "21610"),
        ((500, {"code": 20500, "message": "fault"}), Outcome.UNKNOWN, False, "20500"),
        ((503, {}), Outcome.UNKNOWN, False, "503"),
        ("reset", Outcome.UNKNOWN, False, "connection_lost"),
        ("hang", Outcome.UNKNOWN, False, "no_answer"),
    ],
)
def test_what_may_have_been_sent_is_never_called_unsent(
    stand_in: TwilioStandIn,
    via_twilio: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    answer: object,
    outcome: Outcome,
    permanent: bool,
    code: str,
) -> None:
    """Each answer is one of: refused for good, surely not taken, unknown."""
    stand_in.answer = answer  # type: ignore[assignment]
    with pytest.raises(SmsError) as raised:
        via_twilio()
    error = raised.value
    assert (error.outcome, error.permanent, error.code) == (outcome, permanent, code)
    assert len(stand_in.asked) == 1  # the library tried once and not again


def test_nobody_listening_is_surely_not_sent() -> None:
    """A refused connection carried nothing, so trying again is safe."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        sender = TwilioSms(account_sid=ACCOUNT, auth_token="t", sender="+15005550006", base_url=url)
        with pytest.raises(SmsError) as raised:
            sender.send(to="+821012345678", body="x")
    assert (raised.value.outcome, raised.value.permanent) == (Outcome.NOT_SENT, False)


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own default is to wait for ever; ours is 10 s, here half a second."""
    assert twilio.TIMEOUT_SECONDS == 10
    monkeypatch.setattr(twilio, "TIMEOUT_SECONDS", 0.5)
