"""The zones of the form of a saved search, by their cities as far as these tell them apart."""

from __future__ import annotations

import difflib
from functools import cache

from flask_babel import gettext

from webapp.pages.zones import city_of, is_zone, zone_named, zones

_MOST_CHARACTERS = 64
_ALIKE = 0.7  # below it what was typed is hardly meant


def zone_word(zone: str, language: str) -> str:
    """Return what is typed for a zone: its city if that means no other; what is none as it is."""
    if not is_zone(zone):
        return zone
    city = city_of(zone, language)
    return city if zone_named(city, language) == zone else zone


def no_such_zone(typed: str, language: str) -> str:
    """Return what is said of a zone there is not, with the one of the list that is written alike.

    Args:
        typed: what somebody wrote, if anything.
        language: the reader's, as the names of the list are.
    """
    words: dict[str, str] = {}
    for word, besides in zone_choices(language):
        for name in (word, besides, besides.rpartition("/")[2]):
            words.setdefault(name.casefold(), word)
    near = difflib.get_close_matches(typed.casefold()[:_MOST_CHARACTERS], words, 1, _ALIKE)
    place = words[near[0]] if near else zone_word("Europe/London", language)
    return gettext(
        "There is no such time zone. Choose one of the list, such as %(place)s.", place=place
    )


@cache
def zone_choices(language: str) -> list[tuple[str, str]]:
    """Return of each zone what is typed for it, and what it is called besides."""
    first: dict[str, str] = {}
    for name, city in zones(language):
        first.setdefault(city.casefold(), name)
    return [
        (city, name) if first[city.casefold()] == name else (name, city)
        for name, city in zones(language)
    ]
