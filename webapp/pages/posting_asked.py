"""What a search for postings asks, in the reader's language: all that was chosen, in few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from flask_babel import gettext

from models.posting_sites import FEED, SITES
from webapp.i18n import current_language
from webapp.pages.posting_words import age_words, distance_words, job_types, number_words
from webapp.pages.words import words_of

_USUAL_RESULTS = 25


def posting_asked(params: Mapping[str, Any]) -> list[str]:
    """Return title, place and each choice that leaves something out, as the form words them.

    Params of an older release may hold anything; what is not understood is left out.
    """
    distance, hours = _number(params, "distance_km"), _number(params, "hours_old")
    results = _number(params, "results_wanted")
    words = [
        _text(params, "job_title"),
        _text(params, "location"),
        distance_words(distance) if distance else "",
        _country(_text(params, "country")),
        gettext("Remote only") if params.get("is_remote") is True else "",
        job_types().get(_text(params, "job_type"), ""),
        age_words(hours) if hours else "",
        number_words(results) if results and results != _USUAL_RESULTS else "",
        ", ".join(_sites(params)),
    ]
    return [word for word in words if word]


def _sites(params: Mapping[str, Any]) -> list[str]:
    """Return the sites that were chosen, as people call them; feeds by where they are."""
    sites, feeds = _list(params, "sites"), _list(params, "feeds")
    # Who names feeds of their own asks them, whatever else is chosen.
    named = [words_of(SITES.get(site, site)) for site in sites if site != FEED or not feeds]
    hosts = [urlsplit(feed).hostname for feed in feeds]
    return list(dict.fromkeys([*named, *filter(None, hosts)]))


def _country(code: str) -> str:
    return str(Locale(current_language()).territories.get(code, code))


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    return value if isinstance(value, str) else ""


def _number(params: Mapping[str, Any], name: str) -> int | None:
    value = params.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(params: Mapping[str, Any], name: str) -> list[str]:
    value = params.get(name)
    return [str(one) for one in value] if isinstance(value, list) else []
