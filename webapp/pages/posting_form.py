"""What the form for postings offers to choose from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from flask_babel import gettext

from models.posting_sites import FEED, SITES
from webapp.db import settings
from webapp.i18n import current_language
from webapp.pages.posting_ask import AGES_HOURS, DISTANCES_KM, RESULTS, PostingAsk
from webapp.pages.posting_words import age_words, distance_words, job_types, number_words
from webapp.pages.words import words_of

Options = list[tuple[str, str]]
_MOST_DIGITS = 4  # of a number that is worth offering again
_COUNTRY = re.compile("[A-Z]{2}")
# What CLDR lists among territories and is no country of its own.
_NO_COUNTRY = "AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ"


def posting_choices(form: PostingAsk) -> dict[str, Any]:
    """Return the lists of the form, each entry a value and its words, and what of them is no more.

    What an earlier search asked for is offered too, where a program chose it.
    """
    ages = [(str(hours), age_words(hours)) for hours in AGES_HOURS]
    distances = [(str(km), distance_words(km)) for km in DISTANCES_KM]
    numbers = [(str(number), number_words(number)) for number in RESULTS]
    offered = settings().offered_sites
    return {
        "offered": [(site, words_of(SITES[site])) for site in offered],
        "gone_sites": [words_of(SITES.get(site, site)) for site in form.gone_sites],
        # Where the server has feeds of its own, those are asked with a person's.
        "has_own_only": FEED not in offered,
        "types": [("", gettext("Any type")), *job_types().items()],
        "ages": [("", gettext("Any time")), *_with_own(ages, form.hours_old, age_words)],
        "distances": [
            ("", gettext("Any distance")),
            *_with_own(distances, form.distance_km, distance_words),
        ],
        "numbers": _with_own(numbers, form.results_wanted, number_words),
        "job_countries": [("", gettext("Any country")), *_countries()],
    }


def asked_sites(params: Mapping[str, Any]) -> list[str]:
    """Return the sites a search asks, as people call them; feeds by where they are."""
    chosen, own = params.get("sites"), params.get("feeds")
    names = [
        words_of(SITES[site])
        for site in settings().offered_sites
        if not chosen or (isinstance(chosen, list) and site in chosen)
    ]
    hosts = [urlsplit(str(feed)).hostname for feed in own] if isinstance(own, list) else []
    return list(dict.fromkeys([*names, *filter(None, hosts)]))


def _countries() -> Options:
    names = [
        (str(code), str(name)) for code, name in Locale(current_language()).territories.items()
    ]
    real = [one for one in names if _COUNTRY.fullmatch(one[0]) and one[0] not in _NO_COUNTRY]
    return sorted(real, key=lambda one: one[1])


def _with_own(options: Options, chosen: str, words: Callable[[int], str]) -> Options:
    if not chosen.isdecimal() or len(chosen) > _MOST_DIGITS or chosen in dict(options):
        return options
    return sorted([*options, (chosen, words(int(chosen)))], key=lambda one: int(one[0]))
