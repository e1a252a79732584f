"""The daily caps of texts and codes: who may cost how much."""

from __future__ import annotations

import ipaddress
from uuid import UUID

import phonenumbers

from models.daily_counter import Cap
from models.phone import PhoneKeys
from models.settings import Settings

# A person may try a few numbers of their own.
_NUMBERS_A_PERSON = 2


def code_caps(
    settings: Settings, keys: PhoneKeys, *, e164: str, owner_id: UUID, address: str
) -> list[Cap]:
    """Return what one more code counts against.

    Args:
        settings: holds the limits.
        keys: hashes number and address.
        e164: where it would go.
        owner_id: whose browser asks.
        address: of whoever asks; of IPv6 its /64 counts, which one household has.
    """
    most = settings.codes_per_number_a_day
    return [
        Cap("code_number", keys.fingerprint(e164), most),
        Cap("code_person", owner_id.bytes, most * _NUMBERS_A_PERSON),
        Cap(
            "code_address",
            keys.fingerprint(f"address {_network(address)}"),
            settings.codes_per_address_a_day,
        ),
        # Jobs keep half a day's texts, whoever asks for codes without end.
        *total_caps(settings, e164, "code", part=2),
        *total_caps(settings, e164, "text"),
    ]


def text_caps(settings: Settings, keys: PhoneKeys, *, e164: str) -> list[Cap]:
    """Return what one more text about a job counts against."""
    return [
        Cap("text_number", keys.fingerprint(e164), settings.texts_per_number_a_day),
        *total_caps(settings, e164, "text"),
    ]


def total_caps(settings: Settings, e164: str, what: str, *, part: int = 1) -> list[Cap]:
    """Return what everybody's texts, or codes, count against; a `part` of what a day allows."""
    prefix = str(phonenumbers.parse(e164).country_code).encode()
    return [
        Cap(f"{what}_country", prefix, max(1, settings.texts_per_country_a_day // part)),
        Cap(f"{what}_total", b"all", max(1, settings.texts_a_day // part)),
    ]


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
