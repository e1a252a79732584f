"""Texts through Twilio's own library."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import urlsplit

import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from models import Settings
from models.errors import SettingsError
from tasks.providers.sms.base import Outcome, SentText, SmsError

# The library waits for ever by default.
TIMEOUT_SECONDS = 10.0
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500


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
        http_client: TwilioHttpClient = (
            _RedirectedHttpClient(base_url)
            if base_url
            else TwilioHttpClient(timeout=TIMEOUT_SECONDS)
        )
        self._client = Client(account_sid, auth_token, http_client=http_client)
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

    def send(self, *, to: str, body: str) -> SentText:
        """Create one message; see SmsProvider."""
        try:
            message = self._client.messages.create(to=to, body=body, **self._sender)
        except TwilioRestException as error:
            raise _refused(error) from error
        except requests.ConnectTimeout as error:
            raise _not_sent("Twilio could not be reached.", "connect_timeout") from error
        except requests.ConnectionError as error:
            if _never_connected(error):
                raise _not_sent("Twilio could not be reached.", "connect_failed") from error
            raise _unknown("The connection to Twilio broke.", "connection_lost") from error
        except requests.RequestException as error:
            raise _unknown("Twilio did not answer in time.", "no_answer") from error
        segments = int(message.num_segments) if message.num_segments else None
        return SentText(sid=str(message.sid), segments=segments)


class _RedirectedHttpClient(TwilioHttpClient):
    """Sends every call to another address, with path and query kept."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=TIMEOUT_SECONDS)
        self._base_url = base_url.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self._base_url}{parts.path}{query}", *args, **kwargs)


def _refused(error: TwilioRestException) -> SmsError:
    code = str(error.code or error.status)
    if error.status == _TOO_MANY_REQUESTS:
        return _not_sent("Twilio asked us to slow down.", code)
    if error.status >= _SERVER_ERRORS:
        return _unknown("Twilio had a fault of its own.", code)
    return SmsError(
        "Twilio refused this text.", outcome=Outcome.NOT_SENT, permanent=True, code=code
    )


def _not_sent(message: str, code: str) -> SmsError:
    return SmsError(message, outcome=Outcome.NOT_SENT, permanent=False, code=code)


def _unknown(message: str, code: str) -> SmsError:
    return SmsError(message, outcome=Outcome.UNKNOWN, permanent=False, code=code)


def _never_connected(error: requests.ConnectionError) -> bool:
    """Whether not one byte can have reached the other side."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
