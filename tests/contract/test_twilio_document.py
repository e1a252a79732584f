"""The real library, and our stand-in, held against Twilio's own OpenAPI document by Prism.

`make contract TWILIO_OPENAPI=file` runs these. Prism answers as the document says and refuses what
it does not allow; in front of the stand-in it finds each answer that Twilio would not give.
The document describes no answer but success, so the errors here are Prism's own: 401 and 422.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from processes import wait_for
from standins.twilio import ACCOUNT_SID, AUTH_TOKEN, Behaviour, TwilioStandIn
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from tasks.providers.sms import twilio as twilio_module
from tasks.providers.sms.base import Outcome, SmsError
from tasks.providers.sms.twilio import TwilioSms
from webapp.processes import free_port, spawn

PRISM, DOCUMENT = os.environ.get("PRISM"), os.environ.get("TWILIO_OPENAPI")
NUMBER, FROM, SERVICE = "+821012345678", "+12025550100", "MG" + "c" * 32
CALLBACK = "https://textback.example/hooks/sms/1/1/x"
# The examples in the document break this themselves: they are paths, as are Twilio's answers.
PATHS_CALLED_ADDRESSES = {"uri", "first_page_uri", "next_page_uri", "previous_page_uri"}

pytestmark = [
    pytest.mark.skipif(
        not (PRISM and DOCUMENT), reason="make contract TWILIO_OPENAPI=file runs it (needs npm)"
    ),
    pytest.mark.timeout(120),
]


def _prism(folder: Path, *arguments: str) -> Any:
    """Start Prism and wait until it answers."""
    port = free_port()
    process = spawn(
        [str(PRISM), *arguments, "--host", "127.0.0.1", "--port", str(port)],
        log=folder / "prism.log",
        death_signal=signal.SIGKILL,
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, (folder / "prism.log").read_text()[-2000:]
        try:
            urlopen(url, timeout=5).close()
        except HTTPError as error:
            error.close()
            return True
        except URLError:
            return False
        return True

    wait_for(answers, 60, "Prism to answer")
    return process, url


@contextlib.contextmanager
def _running(folder: Path, *arguments: str) -> Iterator[str]:
    process, url = _prism(folder, *arguments)
    try:
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prism in Twilio's place: it answers with the document's examples and refuses the rest."""
    folder = tmp_path_factory.mktemp("prism-mock")
    with _running(folder, "mock", "--errors", str(DOCUMENT)) as url:
        yield url


@pytest.fixture(scope="module")
def lenient_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As `mock`, for lists: the document's examples of them do not keep to it themselves."""
    folder = tmp_path_factory.mktemp("prism-lenient")
    with _running(folder, "mock", str(DOCUMENT)) as url:
        yield url


@pytest.fixture(scope="module")
def before_stand_in(
    tmp_path_factory: pytest.TempPathFactory, twilio_process: TwilioStandIn
) -> Iterator[str]:
    """Prism before our stand-in: it lets all pass and says what the document does not allow."""
    folder = tmp_path_factory.mktemp("prism-proxy")
    with _running(folder, "proxy", str(DOCUMENT), twilio_process.url) as url:
        yield url


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prism reads a long document; it may take a while on a busy machine."""
    monkeypatch.setattr(twilio_module, "TIMEOUT_SECONDS", 30.0)


def _sms(url: str, sender: str = FROM, token: str = AUTH_TOKEN) -> TwilioSms:
    return TwilioSms(account_sid=ACCOUNT_SID, auth_token=token, sender=sender, base_url=url)


class _Http(TwilioHttpClient):
    """The library's own client with another address; keeps what Prism says of each answer."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=30)
        self._url = url
        self.violations: list[dict[str, Any]] = []

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        answer = super().request(method, f"{self._url}{parts.path}{query}", *args, **kwargs)
        self.violations += json.loads(dict(answer.headers).get("sl-violations", "[]"))
        return answer


@pytest.mark.parametrize("sender", [FROM, SERVICE])
def test_a_text_as_we_send_it_is_one_twilio_takes(mock: str, sender: str) -> None:
    """By a number and by a Messaging Service; the answer of the document is understood."""
    sent = _sms(mock, sender).send(
        to=NUMBER, body="Textback 검색 결과 24건 https://t.example/r/x", callback=CALLBACK
    )
    assert sent.sid == "SM" + "a" * 32
    assert sent.segments == 1


def test_a_text_is_looked_for_and_deleted_as_twilio_lets_us(lenient_mock: str) -> None:
    """By the number and the words, as after a lost reply; by the day, as in the audit; deleted."""
    sms = _sms(lenient_mock)
    assert sms.find(to=NUMBER, contains="words of ours") is None
    # The example has a next page for ever.
    some = list(islice(sms.since(datetime(2026, 1, 1, tzinfo=UTC)), 5))
    assert len(some) == 5 and all(text.sid and text.body for text in some)
    sms.forget("SM" + "a" * 32)


def test_without_credentials_nothing_is_sent(mock: str) -> None:
    """The document asks for the account and its token on each call."""
    with pytest.raises(HTTPError) as raised:
        urlopen(f"{mock}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json", data=b"To=x")
    with raised.value as error:
        assert error.code == 401


def test_what_the_document_refuses_is_surely_not_sent(mock: str) -> None:
    """A callback that is no address: a 4xx, so the text is refused for good and not in doubt."""
    with pytest.raises(SmsError) as raised:
        _sms(mock).send(to=NUMBER, body="x", callback="no address")
    refused = raised.value
    assert (refused.outcome, refused.permanent, refused.code) == (Outcome.NOT_SENT, True, "422")


def test_a_wrong_account_is_refused(mock: str) -> None:
    """Its id does not fit the pattern of the document."""
    with pytest.raises(SmsError) as raised:
        TwilioSms(account_sid="AC1", auth_token="t", sender=FROM, base_url=mock).send(
            to=NUMBER, body="x"
        )
    assert raised.value.outcome == Outcome.NOT_SENT


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("create by number", lambda client: client.messages.create(
            to=NUMBER, body="안녕 👍", from_=FROM, status_callback=CALLBACK)),
        ("create by service", lambda client: client.messages.create(
            to=NUMBER, body="x", messaging_service_sid=SERVICE)),
        ("list all", lambda client: client.messages.list(page_size=2)),
        ("list by number and day", lambda client: client.messages.list(
            to=NUMBER, date_sent_after=datetime(2026, 1, 1, tzinfo=UTC))),
        ("fetch", lambda client: client.messages(client.messages.list()[0].sid).fetch()),
        ("delete", lambda client: client.messages(client.messages.list()[-1].sid).delete()),
    ],
)  # fmt: skip
def test_our_stand_in_answers_as_the_document_says(
    before_stand_in: str, twilio: TwilioStandIn, name: str, call: Callable[[Client], Any]
) -> None:
    """Statuses of every kind, pages, an empty answer: nothing that Twilio would not say."""
    straight = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=_Http(twilio.url))
    for fate, code in (("delivered", None), ("undelivered", 30005), ("failed", 30007)):
        twilio.script(Behaviour(fate=fate, fate_code=code, fate_after=0))
        straight.messages.create(to=NUMBER, body=fate, from_=FROM)
    wait_for(lambda: {each["status"] for each in twilio.messages} == _ENDS, what="their ends")
    http = _Http(before_stand_in)
    call(Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http))
    assert [each for each in http.violations if not _is_excused(each)] == []


_ENDS = {"delivered", "undelivered", "failed"}


def _is_excused(violation: dict[str, Any]) -> bool:
    return violation["code"] == "format" and violation["location"][-1] in PATHS_CALLED_ADDRESSES


def test_prism_would_notice_an_answer_that_is_none(before_stand_in: str, twilio: Any) -> None:
    """An error is not in the document, and said to be not."""
    twilio.script(Behaviour("refuse", code=21610))
    http = _Http(before_stand_in)
    with pytest.raises(TwilioRestException) as raised:
        Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http).messages.create(
            to=NUMBER, body="x", from_=FROM
        )
    assert raised.value.code == 21610
    assert http.violations
