"""Phone numbers: understood, encrypted, found, masked."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from models import Settings
from models.phone import PhoneKeys, PhoneNumber, PhoneNumberError, mask


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


def test_a_stored_number_tells_nothing_without_the_keys(settings: Settings) -> None:
    """Ciphertext differs each time; the look-up hash is keyed; another owner cannot read it."""
    keys = PhoneKeys(settings)
    one, two = (keys.encrypt("+821012345678", "owner") for _ in range(2))
    assert one != two
    assert b"1012345678" not in one
    assert keys.decrypt(one, "owner") == keys.decrypt(two, "owner") == "+821012345678"
    with pytest.raises(InvalidTag):
        keys.decrypt(one, "somebody else")
    assert keys.fingerprint("+821012345678") == keys.fingerprint("+821012345678")
    assert len(keys.fingerprint("+821012345678")) == 32


def test_only_the_last_digits_are_shown() -> None:
    """The mask is the only form for eyes."""
    assert mask("5678") == "•••• 5678"
