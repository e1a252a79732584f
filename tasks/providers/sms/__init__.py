"""Who carries text messages."""

from __future__ import annotations

from typing import Any

from models import Settings
from tasks.providers import load
from tasks.providers.sms.base import SmsProvider

_IMPLEMENTATIONS = {
    "console": "tasks.providers.sms.console:ConsoleSms",
    "twilio": "tasks.providers.sms.twilio:TwilioSms",
}


_HOOKS = {"twilio": "tasks.providers.sms.twilio_hooks:TwilioHooks"}


def sms_hooks(settings: Settings) -> Any | None:
    """Return what understands the carrier's calls; None when none will call."""
    path = _HOOKS.get(settings.sms_provider)
    return None if path is None else load(path)


def sms_provider(settings: Settings) -> SmsProvider | None:
    """Return the provider SMS_PROVIDER names; None when no texts are sent here."""
    path = _IMPLEMENTATIONS.get(settings.sms_provider)
    if path is None:
        return None
    provider: SmsProvider = load(path).from_settings(settings)
    return provider


def kept_texts(settings: Settings) -> list[dict[str, Any]] | None:
    """Return the texts that stay on this machine, oldest first, as {sid, to, body, at}.

    None when they do not: a carrier takes them, or none are sent.
    """
    if settings.sms_provider != "console":
        return None
    texts: list[dict[str, Any]] = load(_IMPLEMENTATIONS["console"]).from_settings(settings).texts()
    return texts
