"""Every SmsProvider keeps the same promises; Twilio's with its real library over a real socket."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from processes import wait_for
from standins.twilio import ACCOUNT_SID, AUTH_TOKEN, Behaviour, TwilioStandIn

from tasks.providers.sms import twilio as twilio_module
from tasks.providers.sms.base import Outcome, SentText, SmsError, SmsProvider
from tasks.providers.sms.console import ConsoleSms
from tasks.providers.sms.twilio import TwilioSms


@pytest.fixture(params=["console", "twilio"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> SmsProvider:
    """Each implementation in turn."""
    if request.param == "console":
        return ConsoleSms(tmp_path / "texts.jsonl")
    return _sender(request.getfixturevalue("twilio"), "+12025550100")


def _sender(stand_in: TwilioStandIn, sender: str) -> TwilioSms:
    return TwilioSms(
        account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, sender=sender, base_url=stand_in.url
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
def via_twilio(twilio: TwilioStandIn) -> Callable[[], SentText]:
    """Send one text through the real library to the stand-in."""
    sender = _sender(twilio, "MG" + "c" * 32)
    return lambda: sender.send(to="+821012345678", body="x")


def test_twilio_is_asked_as_its_api_wants(
    twilio: TwilioStandIn, via_twilio: Callable[[], SentText]
) -> None:
    """Path, recipient, words and a Messaging Service as the sender."""
    via_twilio()
    (asked,) = twilio.requests
    assert asked["path"] == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert (asked["to"], asked["body"]) == ("+821012345678", "x")
    assert asked["more"] == {"MessagingServiceSid": "MG" + "c" * 32}


@pytest.mark.parametrize(
    ("behaviour", "outcome", "permanent", "code"),
    [
        (Behaviour("throttle"), Outcome.NOT_SENT, False, "20429"),
        (Behaviour("refuse", code=21211), Outcome.NOT_SENT, True, "21211"),
        (Behaviour("refuse", code=21610), Outcome.NOT_SENT, True, "21610"),
        (Behaviour("fault"), Outcome.UNKNOWN, False, "20500"),
        (Behaviour("fault", accepts=True), Outcome.UNKNOWN, False, "20500"),
        (Behaviour("fault", status=502), Outcome.UNKNOWN, False, "502"),
        (Behaviour("reset"), Outcome.UNKNOWN, False, "connection_lost"),
        (Behaviour("close", accepts=True), Outcome.UNKNOWN, False, "connection_lost"),
        (Behaviour("hang", seconds=5), Outcome.UNKNOWN, False, "no_answer"),
        (Behaviour("hang", seconds=5, accepts=True), Outcome.UNKNOWN, False, "no_answer"),
    ],
    ids=str,
)
def test_what_may_have_been_sent_is_never_called_unsent(
    twilio: TwilioStandIn,
    via_twilio: Callable[[], SentText],
    behaviour: Behaviour,
    outcome: Outcome,
    permanent: bool,
    code: str,
) -> None:
    """Each answer is one of: refused for good, surely not taken, unknown."""
    twilio.script(behaviour)
    with pytest.raises(SmsError) as raised:
        via_twilio()
    error = raised.value
    assert (error.outcome, error.permanent, error.code) == (outcome, permanent, code)
    assert len(twilio.requests) == 1  # the library tried once and not again
    assert len(twilio.messages) == behaviour.accepts


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour("throttle"), Behaviour("fault", status=503), Behaviour("reset")],
    ids=str,
)
def test_a_question_that_fails_is_no_answer(twilio: TwilioStandIn, behaviour: Behaviour) -> None:
    """A list that could not be read must not look like one without the text in it."""
    sender = _sender(twilio, "+12025550100")
    twilio.script(behaviour, call="list", times=2)
    with pytest.raises(SmsError):
        sender.find(to="+821012345678", contains="x")
    with pytest.raises(SmsError):
        list(sender.since(datetime.now(UTC)))
    twilio.script(behaviour, call="delete")
    with pytest.raises(SmsError):
        sender.forget("SM" + "a" * 32)


def test_a_text_is_found_by_its_words_and_forgotten(twilio: TwilioStandIn) -> None:
    """Among others of the same number; deleting it again is as good."""
    sender = _sender(twilio, "+12025550100")
    sids = [sender.send(to="+821012345678", body=f"text {n} of three").sid for n in range(3)]
    found = sender.find(to="+821012345678", contains="text 1")
    assert found is not None and found.sid == sids[1]
    assert sender.find(to="+12025550123", contains="text 1") is None
    wait_for(lambda: all(each["status"] == "delivered" for each in twilio.messages))
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert {text.sid for text in sender.since(hour_ago)} == set(sids)
    for _ in range(2):
        sender.forget(sids[1])
    assert [each["sid"] for each in twilio.messages] == [sids[0], sids[2]]


def test_nobody_listening_is_surely_not_sent() -> None:
    """A refused connection carried nothing, so trying again is safe."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        sender = TwilioSms(
            account_sid=ACCOUNT_SID, auth_token="t", sender="+12025550100", base_url=url
        )
        with pytest.raises(SmsError) as raised:
            sender.send(to="+821012345678", body="x")
    assert (raised.value.outcome, raised.value.permanent) == (Outcome.NOT_SENT, False)


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own default is to wait for ever; ours is 10 s, here two."""
    assert twilio_module.TIMEOUT_SECONDS == 10
    monkeypatch.setattr(twilio_module, "TIMEOUT_SECONDS", 2)
