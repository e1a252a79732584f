"""Phone numbers: understood in E.164, encrypted at rest, found by a keyed hash, shown masked."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Self

import phonenumbers
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.errors import TextbackError
from models.settings import Settings

_NONCE_BYTES = 12


class PhoneNumberError(TextbackError):
    """That is not a phone number we can text. Give it with its country, e.g. +82 10 1234 5678."""


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A possible mobile number: E.164 and its ISO country, e.g. ('+821012345678', 'KR')."""

    e164: str
    country: str

    @classmethod
    def parse(cls, text: str, country: str | None = None) -> Self:
        """Understand what a person typed.

        Args:
            text: digits with any punctuation; a leading + makes `country` unnecessary.
            country: ISO 3166 alpha-2 of the country the number was typed for.

        Raises:
            PhoneNumberError: it cannot be a valid number.
        """
        try:
            parsed = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            raise PhoneNumberError from None
        region = phonenumbers.region_code_for_number(parsed)
        if not phonenumbers.is_valid_number(parsed) or region is None:
            raise PhoneNumberError
        e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        return cls(e164, region)


def mask(last_digits: str) -> str:
    """Return the only form in which a number is shown, e.g. '•••• 5678'."""
    return f"•••• {last_digits}"


class PhoneKeys:
    """The two keys of phone numbers: one encrypts, the other makes look-ups possible."""

    def __init__(self, settings: Settings) -> None:
        """Derive the keys; 32 bytes each, whatever the length of the setting."""
        cipher = settings.phone_cipher_key.get_secret_value().encode()
        self._aead = AESGCM(hashlib.sha256(b"textback phone cipher\0" + cipher).digest())
        self._hash_key = settings.phone_hash_key.get_secret_value().encode()

    def encrypt(self, e164: str, owner: str) -> bytes:
        """Return nonce + AES-256-GCM ciphertext, bound to its owner."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, e164.encode(), owner.encode())

    def decrypt(self, ciphertext: bytes, owner: str) -> str:
        """Return the number; raises cryptography's InvalidTag for another owner's ciphertext."""
        nonce, body = ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:]
        return self._aead.decrypt(nonce, body, owner.encode()).decode()

    def fingerprint(self, e164: str) -> bytes:
        """Return HMAC-SHA256: numbers are too few for a plain hash to hide them."""
        return hmac.digest(self._hash_key, e164.encode(), "sha256")
