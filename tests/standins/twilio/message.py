"""One message as Twilio keeps and shows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from standins.twilio.behaviour import Behaviour
from standins.twilio.errors import LATER

API_VERSION = "2010-04-01"
FINAL = ("delivered", "undelivered", "failed")
# GSM 03.38: one septet each, and two for those of the extension.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION = frozenset("^{}\\[~]|€\f")


@dataclass
class Message:
    """A message that was taken.

    Attributes:
        status: where it is by now.
        listed_at: from when on the list shows it, in seconds since the epoch.
    """

    sid: str
    account_sid: str
    to: str
    body: str
    sender: str | None
    service: str | None
    callback: str | None
    behaviour: Behaviour
    status: str
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    sent_at: float | None = None
    error_code: int | None = None

    @property
    def listed_at(self) -> float:
        """When the list begins to show it."""
        return self.created_at + self.behaviour.listed_after

    def move(self, status: str, error_code: int | None = None) -> None:
        """Come to a status."""
        self.status = status
        self.error_code = error_code
        self.updated_at = time.time()
        if self.sent_at is None and status in ("sent", "delivered", "undelivered"):
            self.sent_at = self.updated_at

    def as_json(self) -> dict[str, Any]:
        """Return the resource as the API shows it."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        has_sender = self.service is None or self.sent_at is not None
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": _date(self.created_at),
            "date_sent": _date(self.sent_at),
            "date_updated": _date(self.updated_at),
            "direction": "outbound-api",
            "error_code": self.error_code,
            "error_message": LATER.get(self.error_code or 0),
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": str(segments(self.body)) if has_sender else "0",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }

    def callback_fields(self, status: str, error_code: int | None) -> dict[str, str]:
        """Return what is posted to StatusCallback."""
        sent = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "MessageSid": self.sid,
            "MessageStatus": status,
            "SmsSid": self.sid,
            "SmsStatus": status,
            "To": self.to,
        }
        if self.sender:
            sent["From"] = self.sender
        if self.service:
            sent["MessagingServiceSid"] = self.service
        if error_code is not None:
            sent["ErrorCode"] = str(error_code)
        return sent


def segments(body: str) -> int:
    """Count the segments a carrier makes of a text."""
    if all(letter in _GSM or letter in _GSM_EXTENSION for letter in body):
        length = len(body) + sum(letter in _GSM_EXTENSION for letter in body)
        one, many = 160, 153
    else:
        length = len(body.encode("utf-16-be")) // 2
        one, many = 70, 67
    return 1 if length <= one else -(-length // many)


def _date(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return format_datetime(datetime.fromtimestamp(seconds, UTC))
