"""Texts through Twilio's own library."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from models import Settings
from models.errors import SettingsError
from tasks.providers.sms.base import CarriedText, Outcome, SentText, SmsError
from tasks.text_errors import Then, action_for

# At INFO the library writes each request down, and with it the number it is about.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)

# The library waits for ever by default.
TIMEOUT_SECONDS = 10.0
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
# A number's newest messages; older ones than these were looked for before.
_LOOK_THROUGH = 200
_GONE = ("20404", "404")


class TwilioSms:
    """Creating a message is not idempotent, so only what was surely refused is tried again.

    Source:
        Twilio's pages of errors 20429 (never processed) and 20500 (may have been sent).
    """

    name = "twilio"

    def __init__(
        self, *, account_sid: str, auth_token: str, sender: str, base_url: str | None = None
    ) -> None:
        """`sender` is a number in E.164 or a Messaging Service (MG…)."""
        self._http = _HttpClient(base_url)
        self._client = Client(account_sid, auth_token, http_client=self._http)
        self._sender = (
            {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read the account from the settings.

        Raises:
            SettingsError: names what is missing.
        """
        if not (
            settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_from
        ):
            raise SettingsError(
                "SMS_PROVIDER=twilio needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM"
            )
        return cls(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token.get_secret_value(),
            sender=settings.twilio_from,
            base_url=settings.twilio_base_url,
        )

    def send(self, *, to: str, body: str, callback: str | None = None) -> SentText:
        """Create one message; see SmsProvider."""
        given = dict(self._sender) | ({"status_callback": callback} if callback else {})
        with self._explained():
            message = self._client.messages.create(to=to, body=body, **given)
        segments = int(message.num_segments) if message.num_segments else None
        return SentText(sid=str(message.sid), segments=segments)

    def find(self, *, to: str, contains: str, but: Collection[str] = ()) -> SentText | None:
        """Look through the number's messages.

        Not by the date: a message that waits in their queue has none yet.
        """
        with self._explained():
            for message in self._client.messages.list(to=to, limit=_LOOK_THROUGH):
                if contains in (message.body or "") and message.sid not in but:
                    segments = int(message.num_segments) if message.num_segments else None
                    return SentText(str(message.sid), segments)
        return None

    def since(self, moment: datetime) -> Iterator[CarriedText]:
        """Yield messages sent after a moment, page by page."""
        with self._explained():
            for message in self._client.messages.stream(date_sent_after=moment):
                yield CarriedText(str(message.sid), message.body or "")

    def forget(self, sid: str) -> None:
        """Delete one message; see SmsProvider."""
        try:
            with self._explained():
                self._client.messages(sid).delete()
        except SmsError as error:
            if error.code not in _GONE:
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say of each failure whether the request can have had an effect."""
        try:
            yield
        except (TwilioRestException, TwilioServiceException) as error:
            raise self._refused(error) from error
        except TwilioException as error:  # of a page of a list: anything but a 200
            raise _unknown("Twilio did not show its list.", "list_failed") from error
        except requests.ConnectTimeout as error:
            raise _not_sent("Twilio could not be reached.", "connect_timeout") from error
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise _not_sent("Twilio could not be reached safely.", "tls_failed") from error
            raise _unknown("The connection to Twilio broke.", "connection_lost") from error
        except requests.ConnectionError as error:
            if _never_connected(error):
                raise _not_sent("Twilio could not be reached.", "connect_failed") from error
            raise _unknown("The connection to Twilio broke.", "connection_lost") from error
        except requests.RequestException as error:
            raise _unknown("Twilio did not answer in time.", "no_answer") from error
        except ValueError as error:
            raise _unknown("Twilio's answer could not be read.", "answer_unreadable") from error

    def _refused(self, error: TwilioRestException | TwilioServiceException) -> SmsError:
        code = str(error.code or error.status)
        if error.status == _TOO_MANY_REQUESTS:
            return _not_sent(
                "Twilio asked us to slow down.", code, _seconds(self._http.retry_after)
            )
        if error.status >= _SERVER_ERRORS:
            return _unknown("Twilio had a fault of its own.", code)
        then = action_for(code).then
        return SmsError(
            "Twilio refused this text.",
            outcome=Outcome.NOT_SENT,
            permanent=then is not Then.RETRY,
            code=code,
        )


class _HttpClient(TwilioHttpClient):
    """Waits for a limited time, and on no connection that may have died since its last use.

    Attributes:
        retry_after: what the last answer asked for in its header, which the library drops.
    """

    def __init__(self, base_url: str | None) -> None:
        """`base_url` is where every call goes instead, with path and query kept."""
        super().__init__(timeout=TIMEOUT_SECONDS, pool_connections=False)
        self._base_url = base_url.rstrip("/") if base_url else None
        self.retry_after: str | None = None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if self._base_url is not None:
            parts = urlsplit(url)
            query = f"?{parts.query}" if parts.query else ""
            url = f"{self._base_url}{parts.path}{query}"
        self.retry_after = None
        response = super().request(method, url, *args, **kwargs)
        self.retry_after = (response.headers or {}).get("Retry-After")
        return response


def _not_sent(message: str, code: str, retry_after: float | None = None) -> SmsError:
    return SmsError(
        message,
        outcome=Outcome.NOT_SENT,
        permanent=False,
        code=code,
        retry_after_seconds=retry_after,
    )


def _unknown(message: str, code: str) -> SmsError:
    return SmsError(message, outcome=Outcome.UNKNOWN, permanent=False, code=code)


def _never_connected(error: requests.ConnectionError) -> bool:
    """Whether not one byte can have reached the other side."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
