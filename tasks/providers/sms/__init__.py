"""Who carries text messages."""

from __future__ import annotations

from models import Settings
from tasks.providers import load
from tasks.providers.sms.base import SmsProvider

_IMPLEMENTATIONS = {
    "console": "tasks.providers.sms.console:ConsoleSms",
    "twilio": "tasks.providers.sms.twilio:TwilioSms",
}


def sms_provider(settings: Settings) -> SmsProvider | None:
    """Return the provider SMS_PROVIDER names; None when no texts are sent here."""
    path = _IMPLEMENTATIONS.get(settings.sms_provider)
    if path is None:
        return None
    provider: SmsProvider = load(path).from_settings(settings)
    return provider
