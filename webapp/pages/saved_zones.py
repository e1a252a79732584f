"""The zones of the form of a saved search, by their cities as far as these tell them apart."""

from __future__ import annotations

from functools import cache

from webapp.pages.zones import city_of, is_zone, zone_named, zones


def zone_word(zone: str, language: str) -> str:
    """Return what is typed for a zone: its city if that means no other; what is none as it is."""
    if not is_zone(zone):
        return zone
    city = city_of(zone, language)
    return city if zone_named(city, language) == zone else zone


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
