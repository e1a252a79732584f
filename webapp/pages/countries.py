"""The countries a phone number may be of, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import phonenumbers
from babel import Locale


@dataclass(frozen=True, slots=True)
class Country:
    """One line of the picker, e.g. ('KR', 'South Korea', 82)."""

    code: str
    name: str
    prefix: int


@cache
def countries(language: str) -> tuple[Country, ...]:
    """Return every country with phones, in the order of its name."""
    names = Locale(language).territories
    found = [
        Country(code, names[code], phonenumbers.country_code_for_region(code))
        for code in phonenumbers.SUPPORTED_REGIONS
        if code in names
    ]
    return tuple(sorted(found, key=lambda country: country.name))
