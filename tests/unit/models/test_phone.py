"""Phone numbers: understood, encrypted, found, masked."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from models import Settings
from models.phone import PhoneKeyError, PhoneKeys, PhoneNumber, PhoneNumberError, mask


@pytest.mark.parametrize(
    ("typed", "country", "e164", "region"),
    [
        ("010-1234-5678", "KR", "+821012345678", "KR"),
        ("+82 10 1234 5678", None, "+821012345678", "KR"),
        ("07400 123456", "GB", "+447400123456", "GB"),
        ("(201) 555-0123", "US", "+12015550123", "US"),
    ],
)
def test_a_number_is_understood_with_its_country(
    typed: str, country: str | None, e164: str, region: str
) -> None:
    """Demand: 000-12"""
    assert PhoneNumber.parse(typed, country) == PhoneNumber(e164, region)


@pytest.mark.parametrize("typed", ["", "abc", "12", "010-1234-5678", "+82 1", "+999 123456789"])
def test_what_is_no_number_is_refused_with_an_example(typed: str) -> None:
    """Without a country a local number cannot be understood either."""
    with pytest.raises(PhoneNumberError, match=r"\+82 10 1234 5678"):
        PhoneNumber.parse(typed)


@pytest.mark.parametrize(
    "typed", ["+449098790000", "+19002345678", "+82601234567", "+447012345678", "+82212345678"]
)
def test_numbers_that_cost_extra_or_take_no_texts_are_refused(typed: str) -> None:
    """Premium and personal numbers would pay whoever has codes sent to them."""
    with pytest.raises(PhoneNumberError):
        PhoneNumber.parse(typed)


def test_a_stored_number_tells_nothing_without_the_keys(settings: Settings) -> None:
    """Ciphertext differs each time; the look-up hash is keyed; another owner cannot read it."""
    keys = PhoneKeys(settings)
    one, two = (keys.encrypt("+821012345678", "owner") for _ in range(2))
    assert one != two
    assert b"1012345678" not in one
    assert keys.decrypt(one, "owner") == keys.decrypt(two, "owner") == "+821012345678"
    with pytest.raises(PhoneKeyError):
        keys.decrypt(one, "somebody else")
    assert keys.fingerprint("+821012345678") == keys.fingerprint("+821012345678")
    assert len(keys.fingerprint("+821012345678")) == 32


def _with(settings: Settings, key: str, before: str | None = None) -> PhoneKeys:
    secret = SecretStr(key * 32)
    return PhoneKeys(
        settings.model_copy(
            update={
                "phone_cipher_key": secret,
                "phone_cipher_keys_before": before and SecretStr(before),
            }
        )
    )


def test_a_key_that_was_changed_still_reads_and_does_not_write(settings: Settings) -> None:
    """Each ciphertext says by which key; with none that fits there is one sentence."""
    old, both = _with(settings, "a"), _with(settings, "b", f"{'x' * 32}, {'a' * 32}")
    kept = old.encrypt("+821012345678", "owner")
    assert both.decrypt(kept, "owner") == "+821012345678"
    new = both.encrypt("+821012345678", "owner")
    assert new.startswith(both.mark)
    assert not kept.startswith(both.mark)
    assert _with(settings, "b").decrypt(new, "owner") == "+821012345678"
    for keys, ciphertext in (
        (old, new),
        (_with(settings, "b"), kept),
        (both, b""),
        (both, new[:9]),
    ):
        with pytest.raises(PhoneKeyError, match="PHONE_CIPHER_KEYS_BEFORE"):
            keys.decrypt(ciphertext, "owner")


def test_a_number_from_before_keys_had_marks_can_be_read(settings: Settings) -> None:
    """Rows of an older release, also with a key that was changed since."""
    key = hashlib.sha256(b"textback phone cipher\0" + b"a" * 32).digest()
    kept = b"n" * 12 + AESGCM(key).encrypt(b"n" * 12, b"+821012345678", b"owner")
    assert _with(settings, "a").decrypt(kept, "owner") == "+821012345678"
    assert _with(settings, "b", "a" * 32).decrypt(kept, "owner") == "+821012345678"


def test_only_the_last_digits_are_shown() -> None:
    """The mask is the only form for eyes."""
    assert mask("5678") == "•••• 5678"
