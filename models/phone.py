"""Phone numbers: understood in E.164, encrypted at rest, found by a keyed hash, shown masked."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Self

import phonenumbers
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from phonenumbers import PhoneNumberType

from models.errors import TextbackError
from models.settings import Settings

_NONCE_BYTES = 12
# Not numbers that whoever texts them pays more for, nor lines that take no texts.
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
# Of a ciphertext whose key is marked: one byte that says so, and four of the key's own hash.
_MARKED = b"\x01"
_MARK_BYTES = 5


class PhoneNumberError(TextbackError):
    """That is not a phone number we can text. Give it with its country, e.g. +82 10 1234 5678."""


class PhoneKeyError(TextbackError):
    """No key opens this phone number: PHONE_CIPHER_KEY must be the one it was kept with, or that \
one must be among PHONE_CIPHER_KEYS_BEFORE."""


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
            PhoneNumberError: it cannot be a mobile number.
        """
        try:
            parsed = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            raise PhoneNumberError from None
        region = phonenumbers.region_code_for_number(parsed)
        if region is None or phonenumbers.number_type(parsed) not in _MOBILE:
            raise PhoneNumberError
        e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        return cls(e164, region)


def mask(last_digits: str) -> str:
    """Return the only form in which a number is shown, e.g. '•••• 5678'."""
    return f"•••• {last_digits}"


def _mark_of(key: bytes) -> bytes:
    return _MARKED + hashlib.sha256(b"textback phone cipher mark\0" + key).digest()[:4]


class PhoneKeys:
    """The keys of phone numbers: one encrypts, earlier ones decrypt, another makes look-ups."""

    def __init__(self, settings: Settings) -> None:
        """Derive the keys; 32 bytes each, whatever the length of the setting."""
        before = settings.phone_cipher_keys_before
        given = [settings.phone_cipher_key.get_secret_value()]
        given += before.get_secret_value().split(",") if before else []
        keys = [
            hashlib.sha256(b"textback phone cipher\0" + key.strip().encode()).digest()
            for key in given
            if key.strip()
        ]
        # By the mark that a ciphertext begins with; the first one encrypts.
        self._ciphers = {_mark_of(key): AESGCM(key) for key in keys}
        self.mark = _mark_of(keys[0])
        self._hash_key = settings.phone_hash_key.get_secret_value().encode()

    def encrypt(self, e164: str, owner: str) -> bytes:
        """Return mark of the key + nonce + AES-256-GCM ciphertext, bound to its owner."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.mark].encrypt(nonce, e164.encode(), owner.encode())
        return self.mark + nonce + sealed

    def decrypt(self, ciphertext: bytes, owner: str) -> str:
        """Return the number.

        Raises:
            PhoneKeyError: no key that is given opens it, or it is another owner's.
        """
        marked = self._ciphers.get(ciphertext[:_MARK_BYTES])
        tries = [] if marked is None else [(marked, ciphertext[_MARK_BYTES:])]
        # Before keys had marks, a ciphertext began with its nonce.
        tries += [(cipher, ciphertext) for cipher in self._ciphers.values()]
        for cipher, sealed in tries:
            nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            try:
                return cipher.decrypt(nonce, body, owner.encode()).decode()
            except (InvalidTag, ValueError):
                continue
        raise PhoneKeyError

    def fingerprint(self, e164: str) -> bytes:
        """Return HMAC-SHA256: numbers are too few for a plain hash to hide them."""
        return hmac.digest(self._hash_key, e164.encode(), "sha256")
