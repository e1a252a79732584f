"""What Twilio calls back with: is it really Twilio, and what does it say?

Source:
    Twilio, "Webhooks security": HMAC-SHA1 over the public address and every sorted field, with the
    account's primary token. There is no time in it, so a replay looks like the first.
"""

from __future__ import annotations

from collections.abc import Mapping

from twilio.request_validator import RequestValidator

from models import NotificationStatus, Settings
from models.delivery import Report
from tasks.text_errors import Then, action_for

RETRY_ONCE_SECONDS = 900.0
RETRY_SECONDS = 60.0
_STATUSES = {
    "accepted": NotificationStatus.SENT,
    "scheduled": NotificationStatus.SENT,
    "queued": NotificationStatus.SENT,
    "sending": NotificationStatus.SENT,
    "sent": NotificationStatus.SENT,
    "delivered": NotificationStatus.DELIVERED,
    "read": NotificationStatus.DELIVERED,
    "undelivered": NotificationStatus.UNDELIVERED,
    "failed": NotificationStatus.FAILED,
    "canceled": NotificationStatus.FAILED,
}
# Twilio's own default words, and those a Korean would write.
STOP_WORDS = frozenset(
    {
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "수신거부",
        "중지",
    }
)
START_WORDS = frozenset({"START", "YES", "UNSTOP", "수신동의", "다시받기"})


class TwilioHooks:
    """How to understand Twilio's calls."""

    signature_header = "X-Twilio-Signature"

    @staticmethod
    def is_signed(settings: Settings, url: str, fields: Mapping[str, str], signature: str) -> bool:
        """Whether whoever knows our account's token has sent these fields to this address."""
        token = settings.twilio_auth_token
        if token is None or not signature:
            return False
        validator = RequestValidator(token.get_secret_value())
        return bool(validator.validate(url, dict(fields), signature))

    @staticmethod
    def read_report(fields: Mapping[str, str], fence: int) -> Report | None:
        """Return what a status callback says; None for a status nobody knows."""
        status = _STATUSES.get(fields.get("MessageStatus", "").lower())
        sid = fields.get("MessageSid") or fields.get("SmsSid")
        if status is None or not sid:
            return None
        code = fields.get("ErrorCode") or None
        then = action_for(code).then if code else None
        retry = {Then.RETRY_ONCE: RETRY_ONCE_SECONDS, Then.RETRY: RETRY_SECONDS}.get(
            then or Then.END
        )
        return Report(
            fence=fence,
            sid=sid,
            status=status,
            code=code,
            retry_after_seconds=retry,
            retry_once=then is Then.RETRY_ONCE,
        )

    @staticmethod
    def read_wish(fields: Mapping[str, str]) -> tuple[str, bool | None]:
        """Return who answered a text, in E.164, and whether they want texts; None for neither."""
        word = "".join(fields.get("Body", "").split()).strip(".!").upper()
        wants = False if word in STOP_WORDS else True if word in START_WORDS else None
        return fields.get("From", ""), wants
