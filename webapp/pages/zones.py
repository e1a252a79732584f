"""The time zones there are, as people choose them: by part of the world and city."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from babel.dates import get_timezone_location

from webapp.i18n import LANGUAGES

_AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def is_zone(name: str) -> bool:
    """Whether this is the name of a time zone."""
    return name in _names()


@cache
def zones(language: str) -> list[tuple[str, str]]:
    """Return name and city of each, by city as the language writes it; old names are left out."""
    shown: dict[str, str] = {}
    for name in sorted(_names()):
        if name.split("/")[0] not in _AREAS:
            continue
        city = _city(name, "en")
        if city not in shown or name.endswith(f"/{city.replace(' ', '_')}"):
            shown[city] = name
    return sorted(((name, _city(name, language)) for name in shown.values()), key=lambda z: z[1])


def zone_named(typed: str, language: str) -> str:
    """Return the zone whose city somebody typed; what is no such city is returned as it is.

    Args:
        typed: in any language of the pages.
        language: the reader's, whose name counts first.
    """
    wanted = typed.casefold()
    return next(
        (
            name
            for known in (language, *LANGUAGES)
            for name, city in zones(known)
            if city.casefold() == wanted
        ),
        typed,
    )


def city_of(name: str, language: str) -> str:
    """Return what a zone is called where it is not in the list."""
    return _city(name, language) if "/" in name else name


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def _city(name: str, language: str) -> str:
    return get_timezone_location(name, locale=language, return_city=True).rpartition("/")[2]
